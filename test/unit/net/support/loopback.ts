/**
 * Ports and waiting, for tests on loopback.
 */

import { createServer } from 'node:net';
import { vi } from 'vitest';
import { incarnation, nodeId, type Incarnation, type NodeId } from '../../../../src/ids.js';

/** Below the range from which systems give ports to outgoing connections, which could otherwise take ours. */
const PORT_MIN = 12_000;
const PORT_MAX = 32_000;

let nextPort = PORT_MIN + Math.floor(Math.random() * (PORT_MAX - PORT_MIN));

/** Addresses on loopback that nobody listens on, in ascending order as strings. */
export async function freeAddresses(count: number, host = '127.0.0.1'): Promise<NodeId[]> {
  const ports: number[] = [];
  while (ports.length < count) {
    nextPort = nextPort >= PORT_MAX ? PORT_MIN : nextPort + 1;
    if (await canListen(nextPort, host)) ports.push(nextPort);
  }
  const shown = host.includes(':') ? `[${host}]` : host;
  return ports.map((port) => nodeId(`${shown}:${port}`)).toSorted();
}

function canListen(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** Does this machine have the address to listen on? */
export function hasAddress(host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port: 0, host }, () => server.close(() => resolve(true)));
  });
}

/** Waits for a condition, looking often. Rejects when it does not come true. */
export function until(condition: () => boolean, timeoutMs = 5_000): Promise<unknown> {
  return vi.waitUntil(condition, { interval: 2, timeout: timeoutMs });
}

/** A well-formed incarnation that is easy to tell from others. */
export function incarnationOf(digit: string): Incarnation {
  return incarnation(digit.repeat(32));
}

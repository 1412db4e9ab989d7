/**
 * Finds loopback ports that nobody listens on. The system hands them out in turn, so that one found here is not given
 * to another program for a good while; nothing is reserved, though.
 */

import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';

/** The host that these ports are free on. */
export const LOOPBACK = '127.0.0.1';

/** Different ports, all free when this resolves. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(Array.from({ length: count }, listen));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => once(server.close(), 'close')));
  return ports;
}

async function listen(): Promise<Server> {
  const server = createServer().listen(0, LOOPBACK);
  await once(server, 'listening');
  return server;
}

/**
 * Asks the machine at an address whether anybody listens there. The answer comes from that machine's kernel, so it is
 * the one thing that tells a process that is gone from one that cannot be reached. On the caller's thread.
 */

import { connect } from 'node:net';
import type { NodeId } from '../ids.js';
import { isAddress, parseAddress } from './address.js';

/** As long as nothing answers, nothing is known. */
const TIMEOUT_MS = 1_000;
const REFUSED = 'ECONNREFUSED';

/**
 * True: a connection was refused, by each of the machines that go by this name. False in every other case. Never
 * rejects.
 */
export function isRefusing(node: NodeId): Promise<boolean> {
  if (!isAddress(node)) return Promise.resolve(false);
  const { host, port } = parseAddress(node, 'node');
  return new Promise((resolve) => {
    const socket = connect({ host, port, autoSelectFamily: true });
    const end = (isRefused: boolean): void => {
      socket.destroy();
      resolve(isRefused);
    };
    socket.unref().setTimeout(TIMEOUT_MS, () => end(false));
    socket.once('connect', () => end(false));
    socket.on('error', (error) => end(isRefusal(error)));
  });
}

function isRefusal(error: Error): boolean {
  // A name of several addresses: all were tried.
  if (error instanceof AggregateError) return error.errors.every((each) => isRefusal(each as Error));
  return (error as { readonly code?: string }).code === REFUSED;
}

/**
 * The end of a channel as a link sees it. A `MessagePort` of node:worker_threads is one; the runtime itself needs no
 * more than this and so runs where there are no threads.
 */

import type { Transferable } from '../actor.js';

export interface LinkPort {
  /** Throws when `value` cannot be cloned; then nothing has been sent or transferred. */
  postMessage(value: unknown, transfer?: readonly Transferable[]): void;
  on(event: 'message', listener: (value: unknown) => void): unknown;
  /** A message has arrived and could not be read. */
  on(event: 'messageerror', listener: (error: Error) => void): unknown;
  /** The other end is closed or gone, and everything that it had posted has been delivered. */
  on(event: 'close', listener: () => void): unknown;
  close(): void;
}

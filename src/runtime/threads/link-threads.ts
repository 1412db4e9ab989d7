/**
 * Connects threads by channels of their own, so that no message passes through a third. Runs on the thread that has
 * started them; the channels' ends belong to the systems they link.
 */

import { MessageChannel } from 'node:worker_threads';
import type { ActorSystem } from '../actor-system.js';
import type { ThreadHost } from './thread-host.js';

/**
 * Links an actor system of this thread with that of another. After the other has exited, a fresh one can be linked.
 *
 * @throws ConclaveError `ERR_THREAD_EXITED`, `ERR_TIMEOUT`.
 */
export async function linkThread(system: ActorSystem, host: ThreadHost): Promise<void> {
  const { port1, port2 } = new MessageChannel();
  system.link(host.name, port1, { exited: host.exited });
  try {
    await host.link(system.name, port2);
  } catch (error) {
    port2.close();
    throw error;
  }
}

/**
 * Links the actor systems of two other threads directly to each other.
 *
 * @throws ConclaveError `ERR_THREAD_EXITED`, `ERR_TIMEOUT`.
 */
export async function linkThreads(a: ThreadHost, b: ThreadHost): Promise<void> {
  const { port1, port2 } = new MessageChannel();
  try {
    await Promise.all([a.link(b.name, port1), b.link(a.name, port2)]);
  } catch (error) {
    // Does nothing to an end that has been handed over; the thread that has it learns that the other end is gone.
    port1.close();
    port2.close();
    throw error;
  }
}

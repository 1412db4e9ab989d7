/**
 * The moment from which a node's own calls may reach the log: a leader has taken the node for one of its own, and the
 * caller has sent it nothing yet. On the thread that started the node.
 */

import type { Caller } from '../actors/replicated/caller.js';
import type { NodeStatus } from '../actors/replicated/caller-messages.js';
import { asError } from '../errors.js';
import type { NodeFate } from './node-fate.js';

/**
 * Runs something once, at that moment or at once where it has passed; the node fails when it throws. It must be
 * synchronous, be it a write to disk: the caller tells its status before it sends what waits for a leader, and goes on
 * as soon as this returns.
 */
export function whenLed(caller: Pick<Caller, 'events' | 'status'>, run: () => void, fate: NodeFate): void {
  const look = (status: NodeStatus | null): void => {
    if ((status?.leader ?? null) === null) return;
    caller.events.off('status', look);
    try {
      run();
    } catch (error) {
      fate.onFailure(asError(error));
    }
  };
  caller.events.on('status', look);
  look(caller.status);
}

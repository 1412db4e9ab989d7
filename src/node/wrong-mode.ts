/** What is asked of a node that was not started for it. Pure. */

import { ConclaveError } from '../errors.js';

export function runsByItself(): ConclaveError {
  const data = { option: 'autoTick', value: 'true' };
  const message = 'This node runs by itself: start it with threads: false and autoTick: false to tick it.';
  return new ConclaveError('ERR_INVALID_OPTION', message, { data });
}

export function notOnThisThread(name: string): ConclaveError {
  const data = { option: 'threads', value: 'true' };
  const message = `${name} lives on a thread of its own: start the node with threads: false to reach the object itself.`;
  return new ConclaveError('ERR_INVALID_OPTION', message, { data });
}

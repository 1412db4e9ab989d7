/**
 * A lock that is asked for, never waited for. Pure.
 */

import { UNKNOWN, type SequentialModel } from '../sequential-model.js';

/**
 * A call of a lock, by an owner. `tryAcquire` returns whether the owner holds the lock from now on, `release` whether
 * it has held it until now, `holder` who holds it.
 */
export type LockInput =
  | readonly [method: 'tryAcquire', owner: string]
  | readonly [method: 'release', owner: string]
  | readonly [method: 'holder'];

/** What the calls of a lock return. */
export type LockOutput = boolean | string | null;

/**
 * A lock that nobody holds at first. Whoever holds it is refused when it asks again: it is not re-entrant.
 *
 * @example
 * const recorder = new HistoryRecorder<LockInput, LockOutput>();
 * recorder.answered(recorder.call('ann', ['tryAcquire', 'ann']), true);
 * recorder.answered(recorder.call('bob', ['tryAcquire', 'bob']), true);
 * checkLinearizable(lockModel(), recorder.calls()).kind; // 'notLinearizable': two hold it
 */
export function lockModel(): SequentialModel<string | null, LockInput, LockOutput> {
  return {
    name: 'lock',
    initial: null,
    step(holder, input, output) {
      const [next, result] = stepOf(holder, input);
      return output === UNKNOWN || output === result ? [next] : [];
    },
    isRead: ([method]) => method === 'holder',
    describe: (holder) => (holder === null ? 'free' : `held by ${holder}`),
  };
}

function stepOf(holder: string | null, input: LockInput): [next: string | null, result: LockOutput] {
  switch (input[0]) {
    case 'tryAcquire':
      return holder === null ? [input[1], true] : [holder, false];
    case 'release':
      return holder === input[1] ? [null, true] : [holder, false];
    case 'holder':
      return [holder, holder];
  }
}

/**
 * A counter, as `ReplCounter` is one: every change returns the new value. Pure.
 */

import { UNKNOWN, type SequentialModel } from '../sequential-model.js';

/** A call of a counter. Each returns the value after it. */
export type CounterInput = readonly [method: 'add', amount: number] | readonly [method: 'get'];

/**
 * A counter that starts at 0.
 *
 * @example
 * const recorder = new HistoryRecorder<CounterInput, number>();
 * recorder.answered(recorder.call('ann', ['add', 5]), 5);
 * recorder.answered(recorder.call('bob', ['get']), 0);
 * checkLinearizable(counterModel(), recorder.calls()).kind; // 'notLinearizable': bob has read the past
 */
export function counterModel(): SequentialModel<number, CounterInput, number> {
  return {
    name: 'counter',
    initial: 0,
    step(value, input, output) {
      const next = valueAfter(value, input);
      return output === UNKNOWN || output === next ? [next] : [];
    },
    isRead: ([method]) => method === 'get',
    foreseeing(calls) {
      const isGrowing = calls.every(({ input }) => input[0] === 'get' || input[1] >= 0);
      return isGrowing ? { ...this, isTooLate: (value, input, output) => output < valueAfter(value, input) } : this;
    },
  };
}

function valueAfter(value: number, input: CounterInput): number {
  return input[0] === 'add' ? value + input[1] : value;
}

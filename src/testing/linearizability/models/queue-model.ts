/**
 * A queue: first in, first out. Pure.
 */

import { isDeepStrictEqual } from 'node:util';
import { UNKNOWN, type SequentialModel } from '../sequential-model.js';
import { QueueStays } from './queue-stays.js';

/** A call of a queue. `enqueue` returns nothing, `dequeue` the oldest value, or undefined if there is none. */
export type QueueInput<Value> = readonly [method: 'enqueue', value: Value] | readonly [method: 'dequeue'];

/**
 * A queue that is empty at first. Values are compared by their content; undefined is none. What `enqueue` returns is
 * not looked at.
 *
 * @example
 * const recorder = new HistoryRecorder<QueueInput<string>, string | undefined>();
 * recorder.answered(recorder.call('ann', ['enqueue', 'job']), undefined);
 * recorder.answered(recorder.call('bob', ['dequeue']), 'job');
 * recorder.answered(recorder.call('cid', ['dequeue']), 'job');
 * checkLinearizable(queueModel<string>(), recorder.calls()).kind; // 'notLinearizable': two have the same job
 */
export function queueModel<Value>(): SequentialModel<readonly Value[], QueueInput<Value>, Value | undefined> {
  return {
    name: 'queue',
    initial: [],
    step(values, input, output) {
      if (input[0] === 'enqueue') return [[...values, input[1]]];
      if (output !== UNKNOWN && !isDeepStrictEqual(output, values[0])) return [];
      return [values.length === 0 ? values : values.slice(1)];
    },
    equals: (a, b) => a.length === b.length && a.every((value, i) => isDeepStrictEqual(value, b[i])),
    foreseeing(calls) {
      const stays = new QueueStays(calls);
      return {
        ...this,
        step: (values, input, output) => {
          const isOvertaken = input[0] === 'enqueue' && values.some((value) => stays.mustLeaveBefore(input[1], value));
          return isOvertaken ? [] : this.step(values, input, output);
        },
      };
    },
  };
}

/**
 * A register: one value that is read, written, and replaced if it is what one takes it for. Pure.
 */

import { isDeepStrictEqual } from 'node:util';
import { UNKNOWN, type SequentialModel } from '../sequential-model.js';

/**
 * A call of a register. `read` returns the value, `write` nothing, `compareAndSet` whether it has replaced `expected`.
 */
export type RegisterInput<Value> =
  | readonly [method: 'read']
  | readonly [method: 'write', value: Value]
  | readonly [method: 'compareAndSet', expected: Value, value: Value];

/** What the calls of a register return. What `write` returns is not looked at. */
export type RegisterOutput<Value> = Value | boolean | undefined;

/**
 * A register that holds `initial` at first. Values are compared by their content.
 *
 * @example
 * const recorder = new HistoryRecorder<RegisterInput<string>, RegisterOutput<string>>();
 * const write = recorder.call('ann', ['write', 'tea']);
 * const read = recorder.call('bob', ['read']);
 * recorder.answered(read, 'tea');
 * recorder.answered(write, undefined);
 * checkLinearizable(registerModel('nothing'), recorder.calls()).kind; // 'linearizable': they overlap
 */
export function registerModel<Value>(
  initial: Value,
): SequentialModel<Value, RegisterInput<Value>, RegisterOutput<Value>> {
  return {
    name: 'register',
    initial,
    step(value, input, output) {
      switch (input[0]) {
        case 'read':
          return output === UNKNOWN || isDeepStrictEqual(output, value) ? [value] : [];
        case 'write':
          return [input[1]];
        case 'compareAndSet': {
          const isExpected = isDeepStrictEqual(value, input[1]);
          if (output !== UNKNOWN && output !== isExpected) return [];
          return [isExpected ? input[2] : value];
        }
      }
    },
    equals: isDeepStrictEqual,
    isRead: ([method]) => method === 'read',
  };
}

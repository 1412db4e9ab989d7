/**
 * A map, as `ReplMap` is one, of which each key is judged by itself. Pure.
 */

import { inspect, isDeepStrictEqual } from 'node:util';
import { UNKNOWN, type SequentialModel } from '../sequential-model.js';

/**
 * A call of a map. `set` returns nothing, `get` the value or undefined, `delete` and `has` whether the key was there.
 */
export type MapInput<Value> =
  | readonly [method: 'set', key: string, value: Value]
  | readonly [method: 'get', key: string]
  | readonly [method: 'delete', key: string]
  | readonly [method: 'has', key: string];

/** What the calls of a map return. What `set` returns is not looked at. */
export type MapOutput<Value> = Value | boolean | undefined;

/** What one key holds. */
export type MapSlot<Value> = { readonly value: Value } | null;

/**
 * A map that is empty at first. Values are compared by their content. Calls about more than one key (`size`, `keys`)
 * have no place here: they would tie the keys together.
 *
 * @example
 * const recorder = new HistoryRecorder<MapInput<number>, MapOutput<number>>();
 * const set = recorder.call('ann', ['set', 'tea', 3]);
 * recorder.unknown(set); // timed out
 * recorder.answered(recorder.call('bob', ['get', 'tea']), 3);
 * recorder.answered(recorder.call('bob', ['get', 'tea']), undefined);
 * checkLinearizable(mapModel<number>(), recorder.calls()).kind; // 'notLinearizable': seen, then unseen
 */
export function mapModel<Value>(): SequentialModel<MapSlot<Value>, MapInput<Value>, MapOutput<Value>> {
  return {
    name: 'map',
    initial: null,
    step(slot, input, output) {
      const [next, result] = stepOf(slot, input);
      const isFitting = output === UNKNOWN || input[0] === 'set' || isDeepStrictEqual(output, result);
      return isFitting ? [next] : [];
    },
    equals: isDeepStrictEqual,
    isRead: ([method]) => method === 'get' || method === 'has',
    partOf: ([, key]) => key,
    describe: (slot) => (slot === null ? 'absent' : inspect(slot.value)),
  };
}

function stepOf<Value>(slot: MapSlot<Value>, input: MapInput<Value>): [next: MapSlot<Value>, result: MapOutput<Value>] {
  switch (input[0]) {
    case 'set':
      return [{ value: input[2] }, undefined];
    case 'get':
      return [slot, slot?.value];
    case 'delete':
      return [null, slot !== null];
    case 'has':
      return [slot, slot !== null];
  }
}

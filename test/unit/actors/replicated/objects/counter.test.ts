/** ReplCounter as a plain object. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { describeClass } from '../../../../../src/actors/replicated/describe-class.js';
import { ReplCounter } from '../../../../../src/actors/replicated/objects/counter.js';
import { badCalls, call, mixed, testAgainstModel, testHistories } from './support/histories.js';
import { anyValue } from './support/values.js';

test('every change returns the new value', () => {
  const counter = new ReplCounter();

  expect([counter.get(), counter.inc(), counter.add(10), counter.sub(1.5), counter.set(-3), counter.inc()]).toEqual([
    0, 1, 11, 9.5, -3, -2,
  ]);
  expect(counter.get()).toBe(-2);
});

test('can be registered', () => {
  expect(Object.fromEntries(describeClass('hits', ReplCounter).methods)).toEqual({
    set: 'replicated',
    add: 'replicated',
    sub: 'replicated',
    inc: 'replicated',
    get: 'query',
  });
});

describe('refused, changing nothing', () => {
  for (const value of [Number.NaN, Infinity, -Infinity, '5', 5n, undefined, null, {}] as number[]) {
    for (const change of ['set', 'add', 'sub'] as const) {
      test(`${change}(${typeof value === 'number' ? value : typeof value})`, () => {
        const counter = new ReplCounter();
        counter.set(4);

        expect(() => counter[change](value)).toThrow(TypeError);
        expect(counter.get()).toBe(4);
      });
    }
  }

  test('a result that is not finite', () => {
    const counter = new ReplCounter();
    counter.set(Number.MAX_VALUE);

    expect(() => counter.add(Number.MAX_VALUE)).toThrow(RangeError);
    expect(counter.get()).toBe(Number.MAX_VALUE);
  });
});

const amount = fc.constantFrom(0, -0, 1, -1, 0.1, 2 ** 53, -1e300);
const steps = fc.oneof(
  ...['set', 'add', 'sub'].map((method) => call(method, amount)),
  ...['inc', 'get'].map((method) => call(method)),
);

testHistories(
  () => new ReplCounter(),
  mixed(
    steps,
    fc.oneof(badCalls(['set', 'add', 'sub', 'inc', 'get'], anyValue), call('add', fc.constant(Number.MAX_VALUE))),
  ),
);

class CounterModel {
  #value = 0;

  set(value: number): number {
    return (this.#value = value);
  }
  add(value: number): number {
    return (this.#value += value);
  }
  sub(value: number): number {
    return (this.#value -= value);
  }
  inc(): number {
    return ++this.#value;
  }
  get(): number {
    return this.#value;
  }
}

testAgainstModel(
  () => new ReplCounter(),
  () => new CounterModel(),
  steps,
);

/** ReplCounter as a plain object. */

import { describe, expect, test } from 'vitest';
import { describeClass } from '../../../../../src/actors/replicated/describe-class.js';
import { ReplCounter } from '../../../../../src/actors/replicated/objects/counter.js';

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

/** ReplQueue as a plain object. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { describeClass } from '../../../../../src/actors/replicated/describe-class.js';
import { ReplQueue } from '../../../../../src/actors/replicated/objects/queue.js';
import { errorOf } from '../error-of.js';
import { restored, written } from '../state/support/states.js';
import { badCalls, call, mixed, testAgainstModel, testHistories } from './support/histories.js';
import { anyValue } from './support/values.js';

test('can be registered', () => {
  expect(Object.fromEntries(describeClass('jobs', ReplQueue).methods)).toEqual({
    put: 'replicated',
    take: 'replicated',
    clear: 'replicated',
    peek: 'query',
    size: 'query',
    isEmpty: 'query',
    isFull: 'query',
  });
});

test('what was put first is taken first', () => {
  const queue = new ReplQueue<string>();

  expect([queue.put('a'), queue.put('b'), queue.peek(), queue.size(), queue.isEmpty()]).toEqual([
    true,
    true,
    'a',
    2,
    false,
  ]);
  expect([queue.take(), queue.take(), queue.take(), queue.peek()]).toEqual(['a', 'b', undefined, undefined]);
  expect([queue.size(), queue.isEmpty()]).toEqual([0, true]);
});

test('takes no more than its capacity', () => {
  const queue = new ReplQueue<number>({ capacity: 2 });

  expect([queue.put(1), queue.isFull(), queue.put(2), queue.isFull(), queue.put(3)]).toEqual([
    true,
    false,
    true,
    true,
    false,
  ]);
  expect([queue.take(), queue.put(4), queue.take(), queue.take(), queue.take()]).toEqual([1, true, 2, 4, undefined]);
});

test('clear makes room', () => {
  const queue = new ReplQueue<number>({ capacity: 1 });
  queue.put(1);

  queue.clear();

  expect([queue.size(), queue.take(), queue.put(2), queue.take()]).toEqual([0, undefined, true, 2]);
});

test('null and false are items', () => {
  const queue = new ReplQueue();
  queue.put(null);
  queue.put(false);

  expect([queue.peek(), queue.take(), queue.take(), queue.isEmpty()]).toEqual([null, null, false, true]);
});

test('undefined is refused, and changes nothing', () => {
  const queue = new ReplQueue();

  expect(() => queue.put(undefined)).toThrow(TypeError);
  expect(queue.isEmpty()).toBe(true);
});

test('a million items are put and taken in no more time each than a few', () => {
  const count = 1_000_000;
  const queue = new ReplQueue<number>();

  for (let item = 0; item < count; item++) queue.put(item);

  // Moving all others each time would take minutes.
  for (let item = 0; item < count; item++) if (queue.take() !== item) expect.fail(`${item} was not the oldest`);
  expect(queue.isEmpty()).toBe(true);
});

describe('a capacity that is none is refused', () => {
  for (const capacity of [0, -1, 1.5, Number.NaN, Infinity, 2 ** 25 + 1]) {
    test(String(capacity), () => {
      expect(() => new ReplQueue({ capacity })).toThrow(RangeError);
    });
  }

  for (const [name, options] of Object.entries({
    'a string': { capacity: '5' },
    null: { capacity: null },
    'a number for options': 5,
    'null for options': null,
    'an option that does not exist': { capaity: 5 },
  })) {
    test(name, () => {
      expect(() => new ReplQueue(options as never)).toThrow(TypeError);
    });
  }
});

describe('a snapshot', () => {
  test('does not tell what was taken', async () => {
    const lived = new ReplQueue<number>();
    for (let item = 0; item < 3_000; item++) lived.put(item);
    for (let item = 0; item < 1_500; item++) lived.take();
    const fresh = new ReplQueue<number>();
    for (let item = 1_500; item < 3_000; item++) fresh.put(item);

    expect(await written(lived)).toEqual(await written(fresh));
  });

  test('of a queue with another capacity is refused', async () => {
    const bytes = await written(new ReplQueue({ capacity: 5 }));

    const error = await errorOf(() => restored(new ReplQueue({ capacity: 6 }), bytes));

    expect(error.code).toBe('ERR_INVALID_OBJECT');
    expect(error.message).toContain('it was made with a capacity of 5, not of 6');
  });
});

const steps = fc.oneof(
  call(
    'put',
    anyValue.filter((value) => value !== undefined),
  ),
  ...['take', 'take', 'peek', 'size', 'isEmpty', 'isFull', 'clear'].map((method) => call(method)),
);
const METHODS = [...describeClass('jobs', ReplQueue).methods.keys()];
const CAPACITY = 5;

testHistories(() => new ReplQueue({ capacity: CAPACITY }), mixed(steps, badCalls(METHODS, anyValue)));

class QueueModel {
  #items: unknown[] = [];

  put(item: unknown): boolean {
    if (this.isFull()) return false;
    this.#items.push(item);
    return true;
  }
  take(): unknown {
    return this.#items.shift();
  }
  peek(): unknown {
    return this.#items[0];
  }
  size(): number {
    return this.#items.length;
  }
  isEmpty(): boolean {
    return this.#items.length === 0;
  }
  isFull(): boolean {
    return this.#items.length === CAPACITY;
  }
  clear(): void {
    this.#items = [];
  }
}

testAgainstModel(
  () => new ReplQueue({ capacity: CAPACITY }),
  () => new QueueModel(),
  steps,
);

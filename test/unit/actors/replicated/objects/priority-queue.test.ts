/** ReplPriorityQueue as a plain object. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { describeClass } from '../../../../../src/actors/replicated/describe-class.js';
import {
  ReplPriorityQueue,
  type PriorityQueueOptions,
} from '../../../../../src/actors/replicated/objects/priority-queue.js';
import { randomBelow, SeededRandom } from '../../../../../src/runtime/random.js';
import { errorOf } from '../error-of.js';
import { restored, written } from '../state/support/states.js';
import { badCalls, call, mixed, testAgainstModel, testHistories } from './support/histories.js';
import { anyValue } from './support/values.js';

interface Job {
  readonly name: string;
  readonly urgency: number;
}

function queueOf<Item>(items: readonly Item[], options: PriorityQueueOptions<Item> = {}): ReplPriorityQueue<Item> {
  const queue = new ReplPriorityQueue<Item>(options);
  for (const item of items) queue.put(item);
  return queue;
}

function takeAll<Item>(queue: ReplPriorityQueue<Item>): Item[] {
  const taken: Item[] = [];
  for (let item = queue.take(); item !== undefined; item = queue.take()) taken.push(item);
  return taken;
}

test('can be registered', () => {
  expect(Object.fromEntries(describeClass('jobs', ReplPriorityQueue).methods)).toEqual({
    put: 'replicated',
    take: 'replicated',
    clear: 'replicated',
    peek: 'query',
    size: 'query',
    isEmpty: 'query',
    isFull: 'query',
  });
});

test('gives the smallest first, or with the other order the largest', () => {
  expect(takeAll(queueOf([3, 1, 10, 2]))).toEqual([1, 2, 3, 10]);
  expect(takeAll(queueOf([3, 1, 10, 2], { order: 'descending' }))).toEqual([10, 3, 2, 1]);
});

test('orders numbers and bigints, strings, dates', () => {
  expect(takeAll(queueOf([2n, 1.5, -Infinity, 2n ** 80n, 0]))).toEqual([-Infinity, 0, 1.5, 2n, 2n ** 80n]);
  expect(takeAll(queueOf(['b', 'B', 'ä', '']))).toEqual(['', 'B', 'b', 'ä']);
  expect(takeAll(queueOf([new Date(1), new Date(-1)])).map(Number)).toEqual([-1, 1]);
});

test('of equal ones gives the oldest first, also after others were taken', () => {
  const jobs = [2, 1, 2, 1, 2, 1, 1].map((urgency, index): Job => ({ name: `job ${index}`, urgency }));
  const queue = queueOf(jobs, { by: 'urgency' });
  queue.take();
  queue.put({ name: 'last', urgency: 1 });

  expect(takeAll(queue).map(({ name }) => name)).toEqual([
    'job 3',
    'job 5',
    'job 6',
    'last',
    'job 0',
    'job 2',
    'job 4',
  ]);
});

test('peek, size, isEmpty, isFull and clear', () => {
  const queue = queueOf([5, 3], { capacity: 2 });

  expect([queue.peek(), queue.size(), queue.isEmpty(), queue.isFull(), queue.put(1)]).toEqual([
    3,
    2,
    false,
    true,
    false,
  ]);
  queue.clear();
  expect([queue.peek(), queue.size(), queue.isEmpty(), queue.isFull(), queue.take()]).toEqual([
    undefined,
    0,
    true,
    false,
    undefined,
  ]);
});

test('an empty queue takes another kind of items', () => {
  const queue = queueOf<unknown>([1]);
  queue.take();

  expect([queue.put('a'), queue.take()]).toEqual([true, 'a']);
});

test('a hundred thousand random items come in order', () => {
  const random = new SeededRandom(7);
  const items = Array.from({ length: 100_000 }, () => randomBelow(random, 1_000_000));

  expect(takeAll(queueOf(items))).toEqual(items.toSorted((a, b) => a - b));
});

export class Tasks extends ReplPriorityQueue<Job> {
  static override readonly module = import.meta.url;
  static override readonly orders = {
    mostPressing: (a: Job, b: Job) => b.urgency - a.urgency || (a.name < b.name ? -1 : 1),
    picky: (a: Job, b: Job) => {
      if (a.urgency + b.urgency === 5) throw new RangeError('not these two');
      return a.urgency - b.urgency;
    },
  };
}

describe("an order of the class's own", () => {
  test('is found by its name', () => {
    const queue = new Tasks({ order: 'mostPressing' });
    for (const [name, urgency] of [
      ['c', 1],
      ['b', 9],
      ['a', 1],
    ] as const) {
      queue.put({ name, urgency });
    }

    expect(takeAll(queue).map(({ name }) => name)).toEqual(['b', 'a', 'c']);
    expect(Object.keys(Object.fromEntries(describeClass('tasks', Tasks).methods))).toContain('put');
  });

  test('that throws leaves the queue as it was, at put and at take', async () => {
    const queue = new Tasks({ order: 'picky' });
    // A 2 and a 3 that only meet when the 1 is taken, which they are next to.
    for (const urgency of [1, 2, 3]) queue.put({ name: 'x', urgency });
    const before = await written(queue);

    expect(() => queue.take()).toThrow('not these two');
    expect(await written(queue)).toEqual(before);

    // Meets the 3 on its way up.
    queue.put({ name: 'x', urgency: 4 });
    queue.put({ name: 'x', urgency: 5 });
    const larger = await written(queue);
    expect(() => queue.put({ name: 'x', urgency: 2 })).toThrow('not these two');
    expect(await written(queue)).toEqual(larger);
  });

  test('is asked about an item before it is let in, also the first', () => {
    const queue = new Tasks({ order: 'picky' });

    expect(() => queue.put(null as never)).toThrow(TypeError);
    expect(() => queue.put({ name: 'x' } as never)).toThrow('The order picky returns no number');
    expect(queue.isEmpty()).toBe(true);
  });
});

describe('an item that has no order is refused, changing nothing', () => {
  const refused: Record<string, [items: unknown[], options: PriorityQueueOptions, item: unknown]> = {
    'a string among numbers': [[1, 2], {}, 'x'],
    'a date among numbers': [[1], {}, new Date(0)],
    NaN: [[], {}, Number.NaN],
    null: [[], {}, null],
    undefined: [[], {}, undefined],
    'a boolean': [[], {}, true],
    'an object': [[], {}, { a: 1 }],
    'a list': [[], {}, [1]],
    'a date that is none': [[], {}, new Date(Number.NaN)],
    'an object without the property': [[{ a: 1 }], { by: 'a' as never }, { b: 1 }],
    'an object with a property of another type': [[{ a: 1 }], { by: 'a' as never }, { a: '1' }],
    'what has no properties': [[{ a: 1 }], { by: 'a' as never }, 1],
  };

  for (const [name, [items, options, item]] of Object.entries(refused)) {
    test(name, async () => {
      const queue = queueOf(items, options);
      const before = await written(queue);

      expect(() => queue.put(item)).toThrow(TypeError);
      expect(await written(queue)).toEqual(before);
    });
  }
});

describe('options that are none are refused', () => {
  const refused: Record<string, unknown> = {
    'an order that does not exist': { order: 'sideways' },
    'an order that objects inherit': { order: 'toString' },
    'a function for an order': { order: () => 0 },
    'a property that is no name': { by: 1 },
    'an option that does not exist': { compare: 'ascending' },
    'a capacity of nothing': { capacity: 0 },
    'a number': 5,
  };

  for (const [name, options] of Object.entries(refused)) {
    test(name, () => {
      expect(() => new ReplPriorityQueue(options as never)).toThrow(/TypeError|RangeError|order|option|capacity|by is/);
    });
  }
});

describe('a snapshot', () => {
  for (const [made, other] of [
    [{}, { order: 'descending' }],
    [{}, { by: 'urgency' }],
    [{}, { capacity: 5 }],
  ] as readonly [PriorityQueueOptions<Job>, PriorityQueueOptions<Job>][]) {
    test(`of a queue with other options than ${JSON.stringify(other)} is refused`, async () => {
      const bytes = await written(new ReplPriorityQueue<Job>(made));

      const error = await errorOf(() => restored(new ReplPriorityQueue<Job>(other), bytes));

      expect(error.code).toBe('ERR_INVALID_OBJECT');
      expect(error.message).toContain('it was made with the options');
    });
  }

  test('of many items brings back which of equal ones are older', async () => {
    const jobs = Array.from({ length: 5_000 }, (_, index): Job => ({ name: `job ${index}`, urgency: index % 7 }));
    const lived = queueOf(jobs, { by: 'urgency' });

    const returned = await restored(new ReplPriorityQueue<Job>({ by: 'urgency' }), await written(lived));

    expect(takeAll(returned)).toEqual(jobs.toSorted((a, b) => a.urgency - b.urgency));
  });
});

const rank = fc.constantFrom<unknown>(0, -0, 1, 2, 3n, 1n, 2.5, -Infinity);
const steps = fc.oneof(
  call('put', rank),
  ...['take', 'peek', 'size', 'isEmpty', 'isFull', 'clear'].map((method) => call(method)),
);
const METHODS = [...describeClass('jobs', ReplPriorityQueue).methods.keys()];
const CAPACITY = 12;

testHistories(() => new ReplPriorityQueue({ capacity: CAPACITY }), mixed(steps, badCalls(METHODS, anyValue)));

/** A list that is sorted, which is stable, before each look at it. */
class PriorityQueueModel {
  #items: number[] = [];

  put(item: number): boolean {
    if (this.isFull()) return false;
    this.#items.push(item);
    this.#items.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
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
  () => new ReplPriorityQueue({ capacity: CAPACITY }),
  () => new PriorityQueueModel(),
  steps,
);

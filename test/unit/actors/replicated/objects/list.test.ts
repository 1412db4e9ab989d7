/** ReplList as a plain object. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { describeClass } from '../../../../../src/actors/replicated/describe-class.js';
import type { OrderOptions } from '../../../../../src/actors/replicated/objects/item-order.js';
import { ReplList } from '../../../../../src/actors/replicated/objects/list.js';
import { badCalls, call, mixed, testAgainstModel, testHistories } from './support/histories.js';
import { anyValue, kindOf, ofLength } from './support/values.js';

function listOf<V>(...items: readonly V[]): ReplList<V> {
  const list = new ReplList<V>();
  list.reset(items);
  return list;
}

test('can be registered', () => {
  expect(Object.fromEntries(describeClass('steps', ReplList).methods)).toEqual({
    push: 'replicated',
    extend: 'replicated',
    pop: 'replicated',
    unshift: 'replicated',
    shift: 'replicated',
    set: 'replicated',
    insert: 'replicated',
    splice: 'replicated',
    remove: 'replicated',
    sort: 'replicated',
    reverse: 'replicated',
    reset: 'replicated',
    clear: 'replicated',
    at: 'query',
    indexOf: 'query',
    includes: 'query',
    count: 'query',
    size: 'query',
    slice: 'query',
    values: 'query',
  });
});

test('items are added and removed at both ends', () => {
  const list = listOf('b');

  expect([list.push('c'), list.unshift('a'), list.extend(['d', 'e']), list.extend([])]).toEqual([2, 3, 5, 5]);
  expect([list.pop(), list.shift(), list.values()]).toEqual(['e', 'a', ['b', 'c', 'd']]);
});

test('an empty list gives undefined', () => {
  const list = listOf<string>();

  expect([list.pop(), list.shift(), list.at(0), list.at(-1), list.size()]).toEqual([
    undefined,
    undefined,
    undefined,
    undefined,
    0,
  ]);
});

test('negative indexes count from the end', () => {
  const list = listOf('a', 'b', 'c');

  list.set(-1, 'C');
  list.insert(-1, 'x');

  expect(list.values()).toEqual(['a', 'b', 'x', 'C']);
  expect([list.at(-1), list.at(-4), list.at(-5), list.indexOf('C', -1), list.slice(-2), list.splice(-2, 1)]).toEqual([
    'C',
    'a',
    undefined,
    3,
    ['x', 'C'],
    ['x'],
  ]);
});

test('what is inserted beyond either end is there, without a hole', () => {
  const list = listOf('b');

  expect([list.insert(99, 'c'), list.insert(-99, 'a')]).toEqual([2, 3]);

  expect(list.values()).toEqual(['a', 'b', 'c']);
});

describe('splice', () => {
  test('removes all that follows when it is told no more', () => {
    const list = listOf(1, 2, 3);

    expect([list.splice(1), list.values()]).toEqual([[2, 3], [1]]);
  });

  test('removes nothing when the count is undefined, as with Array', () => {
    const list = listOf(1, 2, 3);

    expect([list.splice(1, undefined, [9]), list.values()]).toEqual([[], [1, 9, 2, 3]]);
  });

  test('puts as many items in the place of others as there are', () => {
    const list = listOf(-1, -2, -3, -4);
    const many = Array.from({ length: 200_000 }, (_, index) => index);

    expect(list.splice(1, 2, many)).toEqual([-2, -3]);

    expect(list.values()).toEqual([-1, ...many, -4]);
  });
});

test('many items are added at once', () => {
  const many = Array.from({ length: 500_000 }, (_, index) => index);
  const list = listOf(-1);

  expect([list.extend(many), list.at(-1), list.reset(many), list.at(0)]).toEqual([500_001, 499_999, 500_000, 0]);
});

describe('looking for an item', () => {
  const list = listOf<unknown>(1, { id: 1, tags: ['a'] }, Number.NaN, -0, [1, 2], { tags: ['a'], id: 1 });

  test('goes by content', () => {
    expect(list.indexOf({ tags: ['a'], id: 1 })).toBe(1);
    expect(list.indexOf({ tags: ['a'], id: 1 }, 2)).toBe(5);
    expect(list.count({ id: 1, tags: ['a'] })).toBe(2);
    expect([list.includes([1, 2]), list.includes([2, 1]), list.includes({ id: 1 })]).toEqual([true, false, false]);
  });

  test('finds NaN, and 0 for -0', () => {
    expect([list.indexOf(Number.NaN), list.indexOf(0), list.includes(Number.NaN)]).toEqual([2, 3, true]);
  });

  test('does not take another type for the same', () => {
    expect([list.indexOf('1'), list.indexOf(1n), list.count(true)]).toEqual([-1, -1, 0]);
  });
});

test('remove takes the first that is the same', () => {
  const list = listOf<unknown>({ a: 1 }, 'x', { a: 1 });

  expect([list.remove({ a: 1 }), list.remove('y'), list.values()]).toEqual([true, false, ['x', { a: 1 }]]);
});

test('reverse and clear', () => {
  const list = listOf(1, 2, 3);

  list.reverse();
  expect(list.values()).toEqual([3, 2, 1]);
  list.clear();
  expect([list.values(), list.size()]).toEqual([[], 0]);
});

test('what is returned is not the state', () => {
  const list = listOf(1, 2);

  list.values().push(3);
  list.slice().push(3);

  expect(list.values()).toEqual([1, 2]);
});

export class Cities extends ReplList<{ name: string; size: number }> {
  static override readonly module = import.meta.url;
  static override readonly orders = {
    longestName: (a: { name: string }, b: { name: string }) => b.name.length - a.name.length,
    broken: () => {
      throw new RangeError('not today');
    },
    nonsense: () => Number.NaN,
  };
}

describe('sort', () => {
  test('orders numbers by their value, and bigints among them', () => {
    const list = listOf<unknown>(10, 9n, -0, -Infinity, 1.5, undefined, 2n ** 70n);

    list.sort();

    expect(list.values()).toEqual([-Infinity, -0, 1.5, 9n, 10, 2n ** 70n, undefined]);
  });

  test('orders strings by their code units, whatever the language', () => {
    const list = listOf('b', 'ä', 'B', 'a', '');

    list.sort({ order: 'descending' });

    expect(list.values()).toEqual(['ä', 'b', 'a', 'B', '']);
  });

  test('orders dates', () => {
    const list = listOf(new Date(5), new Date(-5), new Date(0));

    list.sort();

    expect(list.values().map(Number)).toEqual([-5, 0, 5]);
  });

  test('orders by a property, and leaves equal ones in their order', () => {
    const list = listOf({ n: 'a', rank: 2 }, { n: 'b', rank: 1 }, { n: 'c', rank: 2 }, { n: 'd', rank: 1 });

    list.sort({ by: 'rank', order: 'descending' });

    expect(list.values().map(({ n }) => n)).toEqual(['a', 'c', 'b', 'd']);
  });

  test("orders by what a class's own order says", () => {
    const list = new Cities();
    list.reset([
      { name: 'Ulm', size: 1 },
      { name: 'Berlin', size: 2 },
    ]);

    list.sort({ order: 'longestName' });
    expect(list.at(0)?.name).toBe('Berlin');
    list.sort({ by: 'size' });
    expect(list.at(0)?.name).toBe('Ulm');
  });

  describe('refused, changing nothing', () => {
    const refused: Record<string, [items: unknown[], options: OrderOptions, says: string]> = {
      'strings among numbers': [[2, 1, 'x'], {}, 'A string and a number cannot be ordered.'],
      NaN: [[2, Number.NaN, 1], {}, 'not NaN'],
      null: [[2, null], {}, 'not null'],
      booleans: [[true, false], {}, 'not of type boolean'],
      objects: [[{ a: 2 }, { a: 1 }], {}, 'not of type object'],
      'dates that are none': [[new Date(5), new Date(Number.NaN)], {}, 'not invalid dates'],
      'a property that is missing': [[{ a: 2 }, { b: 1 }], { by: 'a' as never }, 'no property a'],
      'a property that is inherited': [[{ a: 2 }], { by: 'constructor' as never }, 'no property constructor'],
      'a property of what has none': [[2, 1], { by: 'a' as never }, 'no property a'],
      'properties of different types': [[{ a: 2 }, { a: '1' }], { by: 'a' as never }, 'cannot be ordered'],
      'an order that does not exist': [[2, 1], { order: 'sideways' }, 'There is no order sideways here'],
      'an order that objects inherit': [[2, 1], { order: 'toString' }, 'There is no order toString here'],
      'an option that does not exist': [[2, 1], { oder: 'descending' } as never, 'has no option oder'],
      'an order by its name alone': [[2, 1], 'descending' as never, 'takes an object of options'],
      'a property that is no name': [[2, 1], { by: 5 } as never, 'by is the name of a property'],
      'an order that is no name': [[2, 1], { order: 5 } as never, 'order is a name'],
    };

    for (const [name, [items, options, says]] of Object.entries(refused)) {
      test(name, () => {
        const list = listOf(...items);

        expect(() => list.sort(options)).toThrow(says);
        expect(list.values()).toEqual(items);
      });
    }

    for (const order of ['broken', 'nonsense']) {
      test(`an order that is ${order}`, () => {
        const list = new Cities();
        const items = [
          { name: 'Ulm', size: 1 },
          { name: 'Berlin', size: 2 },
        ];
        list.reset(items);

        expect(() => list.sort({ order })).toThrow(Error);
        expect(list.values()).toEqual(items);
      });
    }
  });
});

describe('refused, changing nothing', () => {
  type Change = (list: ReplList<string>) => unknown;
  const wrongTypes: Record<string, Change> = {
    'push of nothing': (list) => Reflect.apply(list.push, list, []),
    'push of several': (list) => Reflect.apply(list.push, list, ['x', 'y']),
    'unshift of several': (list) => Reflect.apply(list.unshift, list, ['x', 'y']),
    'extend with a string': (list) => list.extend('xy' as never),
    'extend with a Set': (list) => list.extend(new Set(['x']) as never),
    'reset with null': (list) => list.reset(null as never),
    'splice with an item instead of a list': (list) => list.splice(0, 1, 'x' as never),
    'splice with a count that is none': (list) => list.splice(0, '1' as never),
    'splice from nowhere': (list) => Reflect.apply(list.splice, list, []),
    'set at a string': (list) => list.set('0' as never, 'x'),
    'set at a fraction': (list) => list.set(0.5, 'x'),
    'set at NaN': (list) => list.set(Number.NaN, 'x'),
    'set at infinity': (list) => list.set(Infinity, 'x'),
    'insert at undefined': (list) => list.insert(undefined as never, 'x'),
    'insert at a bigint': (list) => list.insert(1n as never, 'x'),
    'at a string': (list) => list.at('0' as never),
    'a slice up to a string': (list) => list.slice(0, '1' as never),
    'an index to start from that is null': (list) => list.indexOf('a', null as never),
  };
  const outOfRange: Record<string, Change> = {
    'set behind the end': (list) => list.set(2, 'x'),
    'set before the start': (list) => list.set(-3, 'x'),
    'a list that is too long': (list) => list.reset(ofLength(2 ** 25 + 1)),
    'more items than there is room for': (list) => list.extend(ofLength(2 ** 25 - 1)),
    'more items in the place of fewer': (list) => list.splice(0, 1, ofLength(2 ** 25)),
  };

  for (const [kind, changes] of [
    [TypeError, wrongTypes],
    [RangeError, outOfRange],
  ] as const) {
    for (const [name, change] of Object.entries(changes)) {
      test(name, () => {
        const list = listOf('a', 'b');

        expect(() => change(list)).toThrow(kind);
        expect(list.values()).toEqual(['a', 'b']);
      });
    }
  }
});

describe('when there is no room', () => {
  const changes: Record<string, (list: ReplList<string>) => unknown> = {
    push: (list) => list.push('x'),
    unshift: (list) => list.unshift('x'),
    insert: (list) => list.insert(0, 'x'),
    extend: (list) => list.extend(['x']),
    splice: (list) => list.splice(0, 0, ['x']),
  };

  for (const [name, change] of Object.entries(changes)) {
    test(`${name} is refused`, () => {
      const list = new ReplList<string>();
      (list as unknown as { items: string[] }).items.length = 2 ** 25;

      expect(() => change(list)).toThrow('A list has at most 33554432 items');
      expect(list.size()).toBe(2 ** 25);
    });
  }
});

const index = fc.integer({ min: -6, max: 6 });
const count = fc.integer({ min: -1, max: 4 });
const items = fc.array(anyValue, { maxLength: 4 });
const steps = fc.oneof(
  call('push', anyValue),
  call('unshift', anyValue),
  call('extend', items),
  call('insert', index, anyValue),
  call('splice', index),
  call('splice', index, count),
  call('splice', index, count, items),
  call('remove', anyValue),
  call('reset', items),
  call('at', index),
  call('indexOf', anyValue),
  call('indexOf', anyValue, index),
  call('includes', anyValue),
  call('count', anyValue),
  call('slice', index),
  call('slice', index, index),
  ...['pop', 'shift', 'reverse', 'clear', 'size', 'slice', 'values'].map((method) => call(method)),
);
const METHODS = [...describeClass('steps', ReplList).methods.keys()];
const order = fc.record(
  { order: fc.constantFrom('ascending', 'descending'), by: fc.constantFrom('a', 'b') },
  { requiredKeys: [] },
);

testHistories(
  () => new ReplList(),
  mixed(
    steps,
    fc.oneof(badCalls(METHODS, fc.oneof(anyValue, index)), call('sort', order), call('set', index, anyValue)),
  ),
);

/** Does what Array does, and knows what is the same by its kind. */
class ListModel {
  #items: unknown[] = [];

  push(item: unknown): number {
    return this.#items.push(item);
  }
  unshift(item: unknown): number {
    return this.#items.unshift(item);
  }
  extend(added: unknown[]): number {
    return this.#items.push(...added);
  }
  insert(at: number, item: unknown): number {
    this.#items.splice(at, 0, item);
    return this.#items.length;
  }
  splice(start: number, ...rest: [] | [number] | [number, unknown[]]): unknown[] {
    if (rest.length === 0) return this.#items.splice(start);
    const [deleteCount, added = []] = rest;
    return this.#items.splice(start, deleteCount, ...added);
  }
  remove(item: unknown): boolean {
    const place = this.indexOf(item);
    if (place !== -1) this.#items.splice(place, 1);
    return place !== -1;
  }
  reset(all: unknown[]): number {
    this.#items = [...all];
    return all.length;
  }
  pop(): unknown {
    return this.#items.pop();
  }
  shift(): unknown {
    return this.#items.shift();
  }
  reverse(): void {
    this.#items.reverse();
  }
  clear(): void {
    this.#items = [];
  }
  at(place: number): unknown {
    return this.#items.at(place);
  }
  indexOf(item: unknown, start = 0): number {
    return this.#items.map(kindOf).indexOf(kindOf(item), start);
  }
  includes(item: unknown): boolean {
    return this.indexOf(item) !== -1;
  }
  count(item: unknown): number {
    return this.#items.filter((other) => kindOf(other) === kindOf(item)).length;
  }
  size(): number {
    return this.#items.length;
  }
  slice(start?: number, end?: number): unknown[] {
    return this.#items.slice(start, end);
  }
  values(): unknown[] {
    return this.#items;
  }
}

testAgainstModel(
  () => new ReplList(),
  () => new ListModel(),
  steps,
);

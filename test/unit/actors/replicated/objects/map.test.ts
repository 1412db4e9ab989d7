/** ReplMap as a plain object. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { describeClass } from '../../../../../src/actors/replicated/describe-class.js';
import { ENTRIES_MAX } from '../../../../../src/actors/replicated/objects/entries-max.js';
import { ReplMap, type MapKey } from '../../../../../src/actors/replicated/objects/map.js';
import { badCalls, call, mixed, testAgainstModel, testHistories } from './support/histories.js';
import { anyValue } from './support/values.js';

function newMap(): ReplMap<string, number> {
  const map = new ReplMap<string, number>();
  map.reset([
    ['a', 1],
    ['b', 2],
  ]);
  return map;
}

test('set and get', () => {
  const map = newMap();

  map.set('a', 5);
  map.set('c', 3);

  expect([map.get('a'), map.get('c'), map.get('missing')]).toEqual([5, 3, undefined]);
  expect([map.has('a'), map.has('missing'), map.size()]).toEqual([true, false, 3]);
});

test('lists are in the order in which keys were added', () => {
  const map = newMap();
  map.set('0', 0);
  map.set('a', 9);

  expect(map.keys()).toEqual(['a', 'b', '0']);
  expect(map.values()).toEqual([9, 2, 0]);
  expect(map.entries()).toEqual([
    ['a', 9],
    ['b', 2],
    ['0', 0],
  ]);
});

test('getOrInsert sets what is missing only', () => {
  const map = newMap();

  expect([map.getOrInsert('a', 7), map.getOrInsert('c', 7), map.get('c')]).toEqual([1, 7, 7]);
});

test('getOrInsert keeps undefined that is there', () => {
  const map = new ReplMap<string, number | undefined>();
  map.set('a', undefined);

  expect([map.getOrInsert('a', 7), map.has('a')]).toEqual([undefined, true]);
});

test('delete tells whether the key was there', () => {
  const map = newMap();

  expect([map.delete('a'), map.delete('a'), map.size()]).toEqual([true, false, 1]);
});

test('pop removes and returns, or returns the fallback', () => {
  const map = newMap();

  expect([map.pop('a'), map.pop('a'), map.pop('a', 9), map.size()]).toEqual([1, undefined, 9, 1]);
});

test('update merges, from a Map or pairs', () => {
  const map = newMap();

  map.update(new Map([['b', 20]]));
  map.update([['c', 30]]);

  expect(map.entries()).toEqual([
    ['a', 1],
    ['b', 20],
    ['c', 30],
  ]);
});

test('reset replaces', () => {
  const map = newMap();

  map.reset(new Map([['z', 26]]));

  expect(map.entries()).toEqual([['z', 26]]);
});

test('clear removes everything', () => {
  const map = newMap();

  map.clear();

  expect([map.size(), map.keys()]).toEqual([0, []]);
});

test('keys of different types are different, and NaN is itself', () => {
  const map = new ReplMap<MapKey, string>();
  const keys: MapKey[] = ['1', 1, 1n, true, 'true', Number.NaN];

  for (const key of keys) map.set(key, typeof key);

  expect(map.keys()).toEqual(keys);
  expect([map.get(1), map.get('1'), map.get(Number.NaN), map.get(-0)]).toEqual([
    'number',
    'string',
    'number',
    undefined,
  ]);
});

test('what is returned is not the state', () => {
  const map = newMap();

  map.keys().push('x');
  map.entries()[0]![1] = 99;

  expect(map.entries()).toEqual([
    ['a', 1],
    ['b', 2],
  ]);
});

test('can be registered', () => {
  expect(Object.fromEntries(describeClass('map', ReplMap).methods)).toEqual({
    set: 'replicated',
    getOrInsert: 'replicated',
    update: 'replicated',
    reset: 'replicated',
    delete: 'replicated',
    pop: 'replicated',
    clear: 'replicated',
    get: 'query',
    has: 'query',
    size: 'query',
    keys: 'query',
    values: 'query',
    entries: 'query',
  });
});

describe('refused, changing nothing', () => {
  const key = {} as string;
  const refused: Record<string, (map: ReplMap<string, number>) => unknown> = {
    'an object as a key of set': (map) => map.set(key, 1),
    'null as a key': (map) => map.set(null as unknown as string, 1),
    'undefined as a key': (map) => map.delete(undefined as unknown as string),
    'an object as a key of getOrInsert': (map) => map.getOrInsert(key, 1),
    'an object as a key of pop': (map) => map.pop(key),
    'an object as a key of get': (map) => map.get(key),
    'an object as a key of has': (map) => map.has(key),
    'one bad key among good ones': (map) =>
      map.update([
        ['a', 9],
        [key, 1],
      ]),
    'one bad key in a reset': (map) =>
      map.reset(
        new Map([
          ['z', 9],
          [key, 1],
        ]),
      ),
    'entries that are no pairs': (map) => map.update(['ab'] as never),
    'entries that are no list': (map) => map.reset({ a: 1 } as never),
    'no entries': (map) => map.reset(undefined as never),
  };

  for (const [name, change] of Object.entries(refused)) {
    test(name, () => {
      const map = newMap();

      expect(() => change(map)).toThrow(TypeError);
      expect(map.entries()).toEqual([
        ['a', 1],
        ['b', 2],
      ]);
    });
  }
});

describe('when there is no room', () => {
  /** A map that says that it has as many entries as there may be, which would take gigabytes. */
  function fullMap(): ReplMap<string, number> {
    const map = newMap();
    Object.defineProperty((map as unknown as { map: Map<string, number> }).map, 'size', { value: ENTRIES_MAX });
    return map;
  }

  test('what is there can be replaced', () => {
    const map = fullMap();

    map.set('a', 5);

    expect([map.get('a'), map.getOrInsert('b', 9)]).toEqual([5, 2]);
  });

  test('new keys are refused', () => {
    const map = fullMap();

    expect(() => map.set('c', 1)).toThrow(RangeError);
    expect(() => map.getOrInsert('c', 1)).toThrow(RangeError);
    expect(() => map.update([['c', 1]])).toThrow(RangeError);
    expect(map.keys()).toEqual(['a', 'b']);
  });
});

const key = fc.constantFrom<MapKey>('a', 'b', '__proto__', '1', '', 0, -0, 1, 1n, true, Number.NaN);
const pairs = fc.array(fc.tuple(key, anyValue), { maxLength: 4 });
const entries = fc.oneof(
  pairs,
  pairs.map((list) => new Map(list)),
);
const steps = fc.oneof(
  ...['set', 'getOrInsert', 'pop'].map((method) => call(method, key, anyValue)),
  ...['pop', 'delete', 'get', 'has'].map((method) => call(method, key)),
  ...['update', 'reset'].map((method) => call(method, entries)),
  ...['clear', 'size', 'keys', 'values', 'entries'].map((method) => call(method)),
);
const METHODS = [...describeClass('map', ReplMap).methods.keys()];

testHistories(() => new ReplMap(), mixed(steps, badCalls(METHODS, anyValue)));

class MapModel {
  #map = new Map<unknown, unknown>();

  set(at: unknown, value: unknown): void {
    this.#map.set(at, value);
  }
  getOrInsert(at: unknown, value: unknown): unknown {
    if (!this.#map.has(at)) this.#map.set(at, value);
    return this.#map.get(at);
  }
  update(list: Iterable<[unknown, unknown]>): void {
    for (const [at, value] of list) this.#map.set(at, value);
  }
  reset(list: Iterable<[unknown, unknown]>): void {
    this.#map = new Map(list);
  }
  delete(at: unknown): boolean {
    return this.#map.delete(at);
  }
  pop(at: unknown, fallback?: unknown): unknown {
    const value = this.#map.has(at) ? this.#map.get(at) : fallback;
    this.#map.delete(at);
    return value;
  }
  clear(): void {
    this.#map.clear();
  }
  get(at: unknown): unknown {
    return this.#map.get(at);
  }
  has(at: unknown): boolean {
    return this.#map.has(at);
  }
  size(): number {
    return this.#map.size;
  }
  keys(): unknown[] {
    return [...this.#map.keys()];
  }
  values(): unknown[] {
    return [...this.#map.values()];
  }
  entries(): unknown[] {
    return [...this.#map];
  }
}

testAgainstModel(
  () => new ReplMap(),
  () => new MapModel(),
  steps,
);

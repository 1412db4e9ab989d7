/** What no state can hold is refused, with the path to it and what it is. */

import { describe, expect, test } from 'vitest';
import { StateWatch } from '../../../../../src/actors/replicated/state/state-watch.js';
import { writeState } from '../../../../../src/actors/replicated/state/write-state.js';
import { errorOf } from '../error-of.js';
import { Box, loaded, written } from './support/states.js';

const ignore = (): undefined => undefined;

class Job {
  id = 1;
}
/** Memory that has been transferred, as a thread is given it. */
function givenAway(): Float64Array<ArrayBuffer> {
  const view = new Float64Array(1);
  structuredClone(view, { transfer: [view.buffer] });
  return view;
}

class Registry extends Map<unknown, unknown> {}

const withAccessor = {
  a: {
    get total() {
      return 1;
    },
  },
};
const withSymbol = [{ [Symbol('s')]: 1 }];
const withHidden = { a: Object.defineProperty({ b: 1 }, 'c', { value: 2, enumerable: false }) };
const withReadOnly = Object.defineProperty({ a: 1 }, 'b', { value: 2, enumerable: true, configurable: true });
const deep = Array.from({ length: 100 }).reduce<unknown>(
  (inner) => ({ next: inner }),
  () => 1,
);

const CASES: readonly [name: string, value: unknown, path: string, found: RegExp][] = [
  ['a function', { items: [1, 2, 3, { onDone: () => 1 }] }, 'jobs.value.items[3].onDone', /^a function$/],
  ['a symbol', [Symbol('x')], 'jobs.value[0]', /^a symbol$/],
  ['an instance of a class', new Map([['x', new Job()]]), 'jobs.value.get("x")', /^an instance of Job$/],
  ['by a number', new Map([[7, new Job()]]), 'jobs.value.get(7)', /Job/],
  ['by a bigint', new Map([[7n, new Job()]]), 'jobs.value.get(7n)', /Job/],
  ['by an object', new Map([[{}, new Job()]]), 'jobs.value.values()[0]', /Job/],
  [
    'as a key',
    new Map<unknown, unknown>([
      [1, 1],
      [new Job(), 2],
    ]),
    'jobs.value.keys()[1]',
    /Job/,
  ],
  ['in a Set', new Set([1, new Job()]), 'jobs.value.values()[1]', /Job/],
  ['by a key that is no name', { 'a b': new Job() }, 'jobs.value["a b"]', /Job/],
  ['a subclass of Map', new Registry(), 'jobs.value', /^an instance of Registry$/],
  ['a promise', { p: Promise.resolve() }, 'jobs.value.p', /^a promise$/],
  ['an error', { e: new TypeError('x') }, 'jobs.value.e', /^an error$/],
  ['a WeakMap', new WeakMap(), 'jobs.value', /^an instance of WeakMap$/],
  ['a regular expression', /x/, 'jobs.value', /^an instance of RegExp$/],
  ['a boxed primitive', Object(5), 'jobs.value', /^an instance of Number$/],
  ['a proxy', [new Proxy({}, {})], 'jobs.value[0]', /^a proxy$/],
  ['an accessor', withAccessor, 'jobs.value.a.total', /^an accessor$/],
  ['a property named by a symbol', withSymbol, 'jobs.value[0]', /named by a symbol/],
  ['a property that is not enumerable', withHidden, 'jobs.value.a', /not enumerable/],
  ['a read-only property', withReadOnly, 'jobs.value.b', /read-only/],
  ['a Map with a property', Object.assign(new Map(), { x: 1 }), 'jobs.value', /other properties/],
  ['shared memory', new SharedArrayBuffer(8), 'jobs.value', /^a SharedArrayBuffer/],
  ['a view of shared memory', new Uint8Array(new SharedArrayBuffer(8)), 'jobs.value', /^a Uint8Array that is shared/],
  ['memory that was given away', { a: givenAway().buffer }, 'jobs.value.a', /^a ArrayBuffer that is .* detached/],
  ['a view of memory that was given away', givenAway(), 'jobs.value', /^a Float64Array that is .* detached/],
  ['an array that is too long', new Array(2 ** 26), 'jobs.value', /^an array of 67108864 items$/],
  [
    'what a regular expression has found',
    { last: /(?<word>b)/.exec('abc') },
    'jobs.value.last',
    /^an array .* groups$/,
  ],
  ['at a great depth', deep, `jobs.value${'.next'.repeat(15)} … ${'.next'.repeat(16)}`, /^a function$/],
];

describe('refused, where it is written and where it is watched:', () => {
  for (const [name, value, path, found] of CASES) {
    test(name, async () => {
      const error = await errorOf(() => written(new Box(value)));

      expect(error.code).toBe('ERR_STATE_NOT_ENCODABLE');
      expect(error.data).toEqual({ object: 'jobs', path, found: expect.stringMatching(found) as unknown });
      expect(error.message).toContain(`${path}: it is ${error.data['found'] as string}`);
      expect(error.message).toMatch(/or define snapshot\(\) and restore\(state\)\.$/);
      const watch = new StateWatch(loaded(new Box(value)));
      expect(watch.checkAll()).toMatchObject({ data: error.data });
      expect(watch.check(10_000)).toMatchObject({ data: error.data });
    });
  }
});

describe('an instance is refused', () => {
  const instances: readonly [name: string, make: () => object, found: RegExp][] = [
    ['that is frozen', () => Object.freeze(new Box(1)), /frozen/],
    ['with a field named by a symbol', () => Object.assign(new Box(1), { [Symbol('s')]: 1 }), /symbol/],
    ['that is a proxy', () => new Proxy(new Box(1), {}), /proxy/],
  ];

  for (const [name, make, found] of instances) {
    test(name, async () => {
      const error = await errorOf(() => written(make()));

      expect(error.code).toBe('ERR_STATE_NOT_ENCODABLE');
      expect(error.data['path']).toBe('jobs');
      expect(error.data['found']).toMatch(found);
      expect(new StateWatch(loaded(make())).check(10)).toMatchObject({ data: error.data });
    });
  }

  test('whose class a command has taken from it, as by a field named __proto__', async () => {
    class Hooked extends Box {
      snapshot(): unknown {
        return this.value;
      }
    }
    for (const box of [new Box(1), new Hooked(1)]) {
      const object = loaded(box);
      const watch = new StateWatch(object);

      Object.assign(box, JSON.parse('{"__proto__":{"a":1}}'));

      const error = await errorOf(() => writeState(object, ignore, ignore));
      expect(error.data).toMatchObject({ path: 'jobs', found: expect.stringMatching(/inherits/) as unknown });
      expect(watch.check(10)).toMatchObject({ code: 'ERR_STATE_NOT_ENCODABLE', data: error.data });
    }
  });

  test('with an accessor for a field', async () => {
    const box = Object.defineProperty(new Box(1), 'twice', { get: () => 2, enumerable: true, configurable: true });

    const error = await errorOf(() => written(box));

    expect(error.data).toEqual({ object: 'jobs', path: 'jobs.twice', found: 'an accessor' });
  });
});

test('the shortest path is named', async () => {
  const job = new Job();
  const list = [{ list: { job } }, job];

  const error = await errorOf(() => written(new Box(list)));

  expect(error.data['path']).toBe('jobs.value[1]');
});

test('no code of the user is run', async () => {
  let runs = 0;
  const trap = (): never => {
    runs++;
    throw new Error('run');
  };
  const hostile = new Proxy({}, { get: trap, getPrototypeOf: trap, ownKeys: trap, getOwnPropertyDescriptor: trap });

  await errorOf(() => written(new Box([{ a: 1 }, hostile])));
  await errorOf(() => written(new Box(Object.defineProperty({}, 'a', { get: trap, enumerable: true }))));

  expect(runs).toBe(0);
});

/** What no snapshot can hold is found soon, wherever it is put and whatever happens to the state meanwhile. */

import { describe, expect, test } from 'vitest';
import { StateWatch } from '../../../../../src/actors/replicated/state/state-watch.js';
import { Box, loaded } from './support/states.js';

const bad = (): void => {};
const SIZE = 6000;
const numbers = Array.from({ length: SIZE }, (_, i) => i);

/** After how many checks something is found; fails when it is not within so many. */
function checksUntilFound(watch: StateWatch, budget: number, checksMax: number): number {
  for (let checks = 1; checks <= checksMax; checks++) if (watch.check(budget) !== null) return checks;
  throw new Error(`nothing was found in ${checksMax} checks`);
}

describe('found at the very next check is what is put', () => {
  const puts: readonly [name: string, put: (box: Box & Record<string, unknown>) => void, path: string][] = [
    ['in a field', (box) => (box.value = bad), 'jobs.value'],
    ['in a new field', (box) => (box['other'] = [bad]), 'jobs.other[0]'],
    [
      'in a small state, anywhere',
      (box) => ((box.value as unknown[])[3] = { a: new Set([[bad]]) }),
      'jobs.value[3].a.values()[0][0]',
    ],
    [
      'deep in a small state',
      (box) => (box.value = [[[[[[[[{ a: { b: bad } }]]]]]]]]),
      `jobs.value${'[0]'.repeat(8)}.a.b`,
    ],
  ];

  for (const [name, put, path] of puts) {
    test(name, () => {
      const box = new Box([1, 2, 3]) as Box & Record<string, unknown>;
      const watch = new StateWatch(loaded(box));
      expect(watch.check(64)).toBeNull();

      put(box);

      expect(watch.check(256)?.data).toEqual({ object: 'jobs', path, found: 'a function' });
    });
  }

  test('in a field that takes the place of another, though the rest is large', () => {
    const box = Object.assign(new Box(new Map(numbers.map((i) => [i, i]))), { small: [] as unknown[] });
    const watch = new StateWatch(loaded(box));
    watch.check(64);

    box.small = [{ bad }];

    expect(watch.check(64)?.data['path']).toBe('jobs.small[0].bad');
  });
});

test('a reference to the object itself is no fault, and hides none', () => {
  const box = new Box([]) as Box & Record<string, unknown>;
  const watch = new StateWatch(loaded(box));

  box.value = { owner: box, list: [box, [[[[[box]]]]]] };
  box['self'] = box;
  expect([watch.check(256), watch.checkAll()]).toEqual([null, null]);

  box['other'] = [box, bad];
  expect(watch.check(256)?.data['path']).toBe('jobs.other[1]');
});

describe('found within a few times size ÷ budget checks is what is put', () => {
  const BUDGET = 100;
  const large: readonly [name: string, value: () => unknown, put: (value: never) => void, checksMax: number][] = [
    ['in an array', () => [...numbers], (array: unknown[]) => (array[SIZE / 2] = bad), (2 * SIZE) / BUDGET],
    [
      'at the end of a Map',
      () => new Map(numbers.map((i) => [i, i])),
      (map: Map<unknown, unknown>) => map.set('x', bad),
      (4 * SIZE) / BUDGET,
    ],
    ['in a Set', () => new Set(numbers), (set: Set<unknown>) => set.add(bad), (2 * SIZE) / BUDGET],
    [
      'in an object',
      () => Object.fromEntries(numbers.slice(0, 5000).map((i) => [i, i])),
      (object: Record<string, unknown>) => (object['x'] = bad),
      (2 * SIZE) / BUDGET,
    ],
    [
      'in one of many objects',
      () => numbers.map((i) => ({ i, tags: ['a'] })),
      (list: { tags: unknown[] }[]) => list[SIZE - 1]!.tags.push(bad),
      (10 * SIZE) / BUDGET,
    ],
    ['in a linked list', () => ring(1000), (node: Node) => (node.previous!.content = bad), (10 * SIZE) / BUDGET],
  ];

  for (const [name, make, put, checksMax] of large) {
    test(name, () => {
      const box = new Box(make());
      const watch = new StateWatch(loaded(box));
      for (let i = 0; i < 7; i++) expect(watch.check(BUDGET)).toBeNull();

      put(box.value as never);

      expect(checksUntilFound(watch, BUDGET, checksMax)).toBeGreaterThan(1);
    });
  }

  test('in the rest, while one field is replaced all the time', () => {
    const box = Object.assign(new Box([...numbers, bad]), { hot: [] as unknown[] });
    const watch = new StateWatch(loaded(box));

    let checks = 0;
    do box.hot = [...numbers.slice(0, 1000)];
    while (watch.check(BUDGET) === null && ++checks < 1000);

    expect(checks).toBeLessThan((3 * SIZE) / BUDGET);
  });
});

interface Node {
  next: Node | null;
  previous: Node | null;
  content: unknown;
}

function ring(size: number): Node {
  const nodes = Array.from({ length: size }, (): Node => ({ next: null, previous: null, content: 1 }));
  for (const [i, node] of nodes.entries()) {
    node.next = nodes[(i + 1) % size]!;
    node.previous = nodes[(i + size - 1) % size]!;
  }
  return nodes[0]!;
}

describe('nothing is found', () => {
  test('when what was bad is gone before the sweep comes to it, or has been left with a part of the state', () => {
    const map = new Map<unknown, unknown>(numbers.map((i) => [i, i]));
    const box = new Box(map);
    const watch = new StateWatch(loaded(box));
    watch.check(100);

    map.set('x', bad);
    box.value = 1;

    for (let i = 0; i < 500; i++) expect(watch.check(100)).toBeNull();
  });

  test('in objects with hooks', () => {
    class Hooked {
      bad = bad;
      snapshot(): void {}
      restore(): void {}
    }
    const watch = new StateWatch(loaded(new Hooked()));

    expect(watch.check(100)).toBeNull();
    expect(watch.checkAll()).toBeNull();
  });

  test('in anything that a state may hold', () => {
    const value = [
      ...[undefined, null, 1, 'x', 1n, Number.NaN, new Date(1), new Uint8Array(100), Buffer.from('x')],
      ...[new Map([[{}, new Set([1])]]), Object.freeze({ a: Object.freeze([]) }), Object.create(null)],
      ...[ring(3), ring(1000), Object.assign([], { 5: 1 }), new ArrayBuffer(8), new DataView(new ArrayBuffer(8))],
    ];
    const box = Object.assign(new Box(value), { self: new Box().value });
    box.self = box.value;
    const watch = new StateWatch(loaded(box));

    expect(watch.checkAll()).toBeNull();
    for (let i = 0; i < 200; i++) expect(watch.check(100)).toBeNull();
  });
});

test('a state that changes in all ways between checks is no trouble', () => {
  const box = new Box() as Box & Record<string, unknown>;
  const watch = new StateWatch(loaded(box));
  const shapes: readonly (() => unknown)[] = [
    () => [...numbers],
    () => new Map(numbers.map((i) => [i, [i]])),
    () => new Set(numbers),
    () => ring(500),
    () => Object.fromEntries(numbers.slice(0, 500).map((i) => [`k${i}`, {}])),
    () => 5,
  ];

  for (let round = 0; round < 42; round++) {
    const value = shapes[round % shapes.length]!();
    box.value = value;
    box[`f${round % 7}`] = value;
    expect(watch.check(300)).toBeNull();
    if (Array.isArray(value)) value.length = 10;
    else if (value instanceof Map || value instanceof Set) value.clear();
    else if (typeof value === 'object')
      for (const key of Object.keys(value!)) delete (value as Record<string, unknown>)[key];
    delete box[`f${(round + 3) % 7}`];
    expect(watch.check(300)).toBeNull();
  }
});

test('a check looks at no more than its budget and a little', () => {
  let looks = 0;
  const counting = numbers.map((i) => [[i]]);
  const box = new Box(counting);
  const watch = new StateWatch(loaded(box));
  const isArray = Array.isArray;
  Array.isArray = ((value: unknown): value is unknown[] => {
    looks++;
    return isArray(value);
  }) as typeof isArray;

  try {
    watch.check(100);
  } finally {
    Array.isArray = isArray;
  }

  expect(looks).toBeGreaterThan(50);
  expect(looks).toBeLessThan(400);
});

test('a plain object with very many properties is listed once only', () => {
  const dictionary: Record<string, unknown> = Object.fromEntries(
    Array.from({ length: 10_001 }, (_, i) => [`k${i}`, i]),
  );
  const watch = new StateWatch(loaded(new Box(dictionary)));
  for (let i = 0; i < 10; i++) watch.check(20_000);

  dictionary['x'] = bad;

  for (let i = 0; i < 10; i++) expect(watch.check(20_000)).toBeNull();
  expect(watch.checkAll()?.data['path']).toBe('jobs.value.x');
});

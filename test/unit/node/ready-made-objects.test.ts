/** The ready-made objects on whole nodes: what callers get, what they are told, and that all nodes end alike. */

import { describe, expect, it } from 'vitest';
import { object } from '../../../src/actors/replicated/object-definition.js';
import {
  ReplCounter,
  ReplList,
  ReplMap,
  ReplPriorityQueue,
  ReplQueue,
  ReplSet,
} from '../../../src/actors/replicated/objects/index.js';
import { LocalCluster } from '../../../src/testing/local-cluster.js';
import { errorOf } from '../actors/replicated/error-of.js';

const QUICK = { electionTimeoutMs: [60, 120], heartbeatMs: 15 } as const;

interface Job {
  readonly name: string;
  readonly urgency: number;
}

const objects = {
  hits: ReplCounter,
  prices: object(ReplMap<string, number>),
  steps: ReplList,
  present: ReplSet,
  jobs: object(ReplQueue<string>, { capacity: 2 }),
  urgent: object(ReplPriorityQueue<Job>, { by: 'urgency', order: 'descending' }),
};

describe('ready-made objects', () => {
  it('are the same on all nodes, whichever is told', async () => {
    await using cluster = await LocalCluster.start({ objects, ...QUICK });
    await cluster.ready();
    const handles = cluster.nodes.map((node) => node.objects);

    await handles[0]!.steps.extend([3, 1, 2]);
    await handles[1]!.steps.sort();
    await handles[2]!.present.add({ id: [1] });
    await handles[0]!.urgent.put({ name: 'sweep', urgency: 1 });
    await handles[1]!.urgent.put({ name: 'fire', urgency: 9 });
    const puts = [await handles[0]!.jobs.put('a'), await handles[1]!.jobs.put('b'), await handles[2]!.jobs.put('c')];
    await cluster.converged();

    expect(puts).toEqual([true, true, false]);
    for (const { steps, present, urgent, jobs } of handles) {
      expect(await steps.with({ consistency: 'local' }).values()).toEqual([1, 2, 3]);
      expect(await present.with({ consistency: 'local' }).has({ id: [1] })).toBe(true);
      expect(await urgent.with({ consistency: 'local' }).peek()).toEqual({ name: 'fire', urgency: 9 });
      expect(await jobs.with({ consistency: 'local' }).isFull()).toBe(true);
    }
  });

  it('give each item of a queue to one taker', async () => {
    await using cluster = await LocalCluster.start({ objects: { jobs: object(ReplQueue<number>) }, ...QUICK });
    await cluster.ready();
    const items = Array.from({ length: 60 }, (_, index) => index);
    const [first] = cluster.nodes;
    await Promise.all(items.map((item) => first!.objects.jobs.put(item)));

    const taken = await Promise.all(items.map((index) => cluster.nodes[index % 3]!.objects.jobs.take()));

    expect(taken.toSorted((x, y) => x! - y!)).toEqual(items);
    expect(await first!.objects.jobs.take()).toBeUndefined();
  });

  it('answer bad input with ERR_COMMAND_THREW and what they threw', async () => {
    await using cluster = await LocalCluster.start({ objects, nodes: 1, ...QUICK });
    await cluster.ready();
    const { hits, prices, steps, present, jobs, urgent } = cluster.nodes[0]!.objects;
    await steps.extend([1, 'x']);

    for (const [call, cause] of [
      [() => hits.add(Number.NaN), TypeError],
      [() => prices.set({} as never, 1), TypeError],
      [() => steps.sort(), TypeError],
      [() => steps.set(2, 1), RangeError],
      [() => steps.at('0' as never), TypeError],
      [() => present.update('abc' as never), TypeError],
      [() => jobs.put(undefined as never), TypeError],
      [() => urgent.put({ name: 'x' } as never), TypeError],
    ] as const) {
      const error = await errorOf(call);
      expect(error.code).toBe('ERR_COMMAND_THREW');
      expect(error.cause).toBeInstanceOf(cause);
    }
    expect(await steps.values()).toEqual([1, 'x']);
  });

  it('are not told what cannot be encoded', async () => {
    await using cluster = await LocalCluster.start({ objects, nodes: 1, ...QUICK });
    await cluster.ready();
    const { steps, present } = cluster.nodes[0]!.objects;
    const circle: unknown[] = [];
    circle.push(circle);

    expect((await errorOf(() => steps.push(circle))).code).toBe('ERR_NOT_ENCODABLE');
    expect((await errorOf(() => present.add({ circle }))).code).toBe('ERR_NOT_ENCODABLE');
    expect([await steps.size(), await present.size()]).toEqual([0, 0]);
  });

  it.each([
    ['a capacity of nothing', object(ReplQueue<string>, { capacity: 0 }), 'capacity is a whole number'],
    ['a negative capacity', object(ReplPriorityQueue<string>, { capacity: -1 }), 'capacity is a whole number'],
    ['an order that there is not', object(ReplPriorityQueue<string>, { order: 'up' }), 'There is no order up'],
  ])('refuse to start with %s', async (_what, definition, says) => {
    const error = await errorOf(() => LocalCluster.start({ objects: { jobs: definition }, nodes: 1, ...QUICK }));

    expect(error.code).toBe('ERR_INVALID_OBJECT');
    expect(error.message).toContain(says);
    expect(error.message).toMatch(/[^.]\.$/); // what the constructor says ends as this sentence does
  });
});

/** Watching objects of whole nodes: what is told, from where on, and how it ends. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Changes } from '../../../src/actors/replicated/changes/changes.js';
import { CHANGES_KEPT_MAX } from '../../../src/actors/replicated/changes/change-row.js';
import { CHANGES_WAITING_MAX } from '../../../src/actors/replicated/changes/watch.js';
import { object } from '../../../src/actors/replicated/object-definition.js';
import { ReplCounter, ReplList, ReplMap, ReplQueue, ReplSet } from '../../../src/actors/replicated/objects/index.js';
import { LocalCluster } from '../../../src/testing/local-cluster.js';
import { errorOf } from '../actors/replicated/error-of.js';
import { Auction } from './fixtures/auction.js';

const QUICK = { electionTimeoutMs: [60, 120], heartbeatMs: 15 } as const;

const objects = {
  hits: ReplCounter,
  prices: object(ReplMap<string, number>),
  steps: object(ReplList<string>),
  present: object(ReplSet<string>),
  jobs: object(ReplQueue<string>),
  auction: Auction,
};

async function take<Change>(changes: Changes<Change>, count: number): Promise<Change[]> {
  const taken: Change[] = [];
  while (taken.length < count) {
    const { done, value } = await changes.next();
    if (done === true) throw new Error(`over after ${taken.length} changes`);
    taken.push(value);
  }
  return taken;
}

describe('watching an object', () => {
  let cluster: LocalCluster<typeof objects>;

  beforeEach(async () => {
    cluster = await LocalCluster.start({ objects, nodes: 1, ...QUICK });
    await cluster.ready();
  });
  afterEach(() => cluster.stop());

  const handles = (): (typeof cluster.nodes)[number]['objects'] => cluster.nodes[0]!.objects;

  it('tells what commands change in a map, in their order, and nothing where nothing changes', async () => {
    const { prices } = handles();
    await prices.set('before', 1);
    const changes = prices.watch();
    await changes.begun();

    await prices.set('tea', 1);
    await prices.set('tea', 1);
    await prices.set('tea', 2);
    await prices.delete('nothing');
    await prices.pop('tea');
    await prices.reset([
      ['a', 1],
      ['b', 2],
    ]);
    await prices.clear();
    await prices.clear();
    await prices.set('end', 0);

    expect(await take(changes, 8)).toEqual([
      { type: 'set', key: 'tea', value: 1 },
      { type: 'set', key: 'tea', value: 2, previous: 1 },
      { type: 'delete', key: 'tea', previous: 2 },
      { type: 'clear' },
      { type: 'set', key: 'a', value: 1 },
      { type: 'set', key: 'b', value: 2 },
      { type: 'clear' },
      { type: 'set', key: 'end', value: 0 },
    ]);
  });

  it('tells of the other ready-made objects what a mirror of them needs', async () => {
    const { hits, steps, present, jobs } = handles();
    const watches = [hits.watch(), steps.watch(), present.watch(), jobs.watch()] as const;
    await Promise.all(watches.map((changes) => changes.begun()));

    await Promise.all([hits.inc(), hits.add(0), hits.set(5)]);
    await Promise.all([steps.extend(['b', 'a']), steps.sort(), steps.set(-1, 'c'), steps.insert(-9, 'x'), steps.pop()]);
    await Promise.all([present.add('ann'), present.add('ann'), present.reset(['bob']), present.pop()]);
    await Promise.all([jobs.put('sweep'), jobs.take(), jobs.take(), jobs.put('wash'), jobs.clear()]);

    expect(await take(watches[0], 2)).toEqual([
      { type: 'set', value: 1, previous: 0 },
      { type: 'set', value: 5, previous: 1 },
    ]);
    expect(await take(watches[1], 5)).toEqual([
      { type: 'splice', index: 0, removed: [], added: ['b', 'a'] },
      { type: 'reset', values: ['a', 'b'] },
      { type: 'set', index: 1, value: 'c', previous: 'b' },
      { type: 'splice', index: 0, removed: [], added: ['x'] },
      { type: 'splice', index: 2, removed: ['c'], added: [] },
    ]);
    expect(await take(watches[2], 4)).toEqual([
      { type: 'add', value: 'ann' },
      { type: 'clear' },
      { type: 'add', value: 'bob' },
      { type: 'delete', value: 'bob' },
    ]);
    expect(await take(watches[3], 4)).toEqual([
      { type: 'put', item: 'sweep' },
      { type: 'take', item: 'sweep' },
      { type: 'put', item: 'wash' },
      { type: 'clear' },
    ]);
  });

  it('tells of one key what concerns it, and what concerns all', async () => {
    const { prices } = handles();
    const changes = prices.watch('tea');
    await changes.begun();

    await Promise.all([prices.set('tea', 1), prices.set('milk', 2), prices.clear(), prices.set('tea', 3)]);

    expect(await take(changes, 3)).toEqual([
      { type: 'set', key: 'tea', value: 1 },
      { type: 'clear' },
      { type: 'set', key: 'tea', value: 3 },
    ]);
  });

  it('begins with the state as of the place from which it tells', async () => {
    const { prices } = handles();
    const before = Array.from({ length: 50 }, (_, i) => prices.set(`k${i}`, i));
    const changes = prices.watch({ read: 'entries' });
    const after = Array.from({ length: 50 }, (_, i) => prices.set(`k${i}`, 100 + i));
    await Promise.all([...before, ...after]);

    const mirror = new Map<string, number>();
    const [first] = await take(changes, 1);
    if (first?.type === 'state') for (const [key, value] of first.value) mirror.set(key, value);
    await prices.set('end', 1);
    for await (const change of changes) {
      if (change.type === 'set') mirror.set(change.key, change.value);
      if (change.type === 'set' && change.key === 'end') break;
    }

    expect([...mirror]).toEqual(await prices.entries());
  });

  it('asks the query that it begins with about its key', async () => {
    const { prices } = handles();
    await prices.set('tea', 7);

    const changes = prices.watch('tea', { read: 'get' });

    expect(await take(changes, 1)).toEqual([{ type: 'state', value: 7 }]);
  });

  it("tells what a user's class says, but for what a command says that throws", async () => {
    const { auction } = handles();
    const changes = auction.watch();
    await changes.begun();

    await auction.bid('ann', 5);
    const refused = await errorOf(() => auction.bidAndThrow('bob', 6));
    await auction.bid('cid', 7);

    expect(refused.code).toBe('ERR_COMMAND_THREW');
    expect(await take(changes, 2)).toEqual([
      { type: 'bid', key: 'ann', amount: 5 },
      { type: 'bid', key: 'cid', amount: 7 },
    ]);
  });

  it('is of no consequence to a command that tells what cannot be told', async () => {
    const { auction } = handles();
    const changes = auction.watch();
    await changes.begun();

    const result = await auction.tellFunction();

    expect(result).toBe(1);
    expect((await errorOf(() => changes.next())).code).toBe('ERR_CHANGES_LOST');
    expect(await changes.next()).toEqual({ done: true, value: undefined });
  });

  it('goes on behind what was seen, also within one entry of the log', async () => {
    const { prices } = handles();
    const first = prices.watch();
    await first.begun();
    await Promise.all(Array.from({ length: 10 }, (_, i) => prices.set('tea', i)));
    await take(first, 4);
    await first.return();

    const second = prices.watch({ from: first.at! });

    expect((await take(second, 6)).map((change) => change.type === 'set' && change.value)).toEqual([4, 5, 6, 7, 8, 9]);
    await prices.set('tea', 10);
    expect(await take(second, 1)).toEqual([{ type: 'set', key: 'tea', value: 10, previous: 9 }]);
  });

  it('goes on where it has begun when nothing was seen', async () => {
    const { prices } = handles();
    const first = prices.watch();
    const from = await first.begun();
    await first.return();
    await prices.set('tea', 1);

    const second = prices.watch('tea', { from });

    expect(await take(second, 1)).toEqual([{ type: 'set', key: 'tea', value: 1 }]);
  });

  it('does not go on from what is not kept', async () => {
    const { prices } = handles();
    const first = prices.watch('milk');
    const from = await first.begun();
    await prices.set('tea', 1);

    const otherKey = await errorOf(() => prices.watch('tea', { from }).next());
    const tooOld = await errorOf(() => prices.watch('milk', { from: { index: 1, command: 0, change: 0 } }).next());

    expect([otherKey.code, tooOld.code]).toEqual(['ERR_CHANGES_LOST', 'ERR_CHANGES_LOST']);
  });

  it('ends for a reader that falls behind, and for nobody else', async () => {
    const { prices } = handles();
    const [slow, quick] = [prices.watch(), prices.watch()];
    await Promise.all([slow.begun(), quick.begun()]);
    const entries = Array.from({ length: CHANGES_WAITING_MAX / 2 + 1 }, (_, i) => [`k${i}`, i] as [string, number]);

    await prices.update(entries);
    await take(quick, entries.length);
    await prices.update(entries.map(([key, value]) => [key, value + 1]));
    await take(quick, entries.length);

    expect((await errorOf(() => slow.next())).code).toBe('ERR_WATCHER_BEHIND');
    await prices.set('end', 1);
    expect(await take(quick, 1)).toEqual([{ type: 'set', key: 'end', value: 1 }]);
  });

  it('ends when more changes at once than is kept, and begins anew', async () => {
    const { prices } = handles();
    const changes = prices.watch();
    await changes.begun();
    const entries = Array.from({ length: CHANGES_KEPT_MAX + 1 }, (_, i) => [`k${i}`, i] as [string, number]);

    await prices.update(entries);
    const error = await errorOf(() => changes.next());
    const anew = prices.watch({ read: 'size' });

    expect(error.code).toBe('ERR_CHANGES_LOST');
    expect(await take(anew, 1)).toEqual([{ type: 'state', value: entries.length }]);
  });

  it('is ended by its signal, before and after it has begun', async () => {
    const { prices } = handles();
    const aborting = new AbortController();
    const before = errorOf(() => prices.watch({ signal: AbortSignal.abort() }).next());
    const early = errorOf(() => prices.watch({ signal: aborting.signal }).begun());
    aborting.abort(new Error('enough'));
    const later = new AbortController();
    const changes = prices.watch({ signal: later.signal });
    await changes.begun();
    const reading = errorOf(() => changes.next());
    later.abort();

    const codes = (await Promise.all([before, early, reading])).map(({ code }) => code);

    expect(codes).toEqual(['ERR_ABORTED', 'ERR_ABORTED', 'ERR_ABORTED']);
    expect(await changes.next()).toEqual({ done: true, value: undefined });
  });

  it('is ended by the signal of the handle', async () => {
    const aborting = new AbortController();
    const changes = handles().prices.with({ signal: aborting.signal }).watch();

    aborting.abort();

    expect((await errorOf(() => changes.next())).code).toBe('ERR_ABORTED');
  });

  it('is ended by leaving the loop', async () => {
    const { prices } = handles();
    const changes = prices.watch({ read: 'size' });

    for await (const change of changes) if (change.type === 'state') break;

    expect(await changes.next()).toEqual({ done: true, value: undefined });
  });

  it('is ended when the runtime stops, and cannot begin afterwards', async () => {
    const { prices } = handles();
    const changes = prices.watch();
    await changes.begun();
    const reading = errorOf(() => changes.next());
    const unread = prices.watch();

    await cluster.stop();

    expect((await reading).code).toBe('ERR_STOPPED');
    expect((await errorOf(() => unread.next())).code).toBe('ERR_STOPPED');
    expect((await errorOf(() => prices.watch().begun())).code).toBe('ERR_STOPPED');
  });

  it.each([
    ['an unknown option', { since: 1 }],
    ['a signal that is none', { signal: 1 }],
    ['a signal instead of options', AbortSignal.abort()],
    ['a place that is none', { from: 7 }],
    ['a query that is none', { read: 'set' }],
    ['both the state and a place', { read: 'size', from: { index: 1, command: 0, change: 0 } }],
  ])('is refused for %s', (_what, options) => {
    const watch = handles().prices.watch.bind(null) as (options: unknown) => unknown;

    expect(() => watch(options)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_OPTION' }));
  });
});

describe('watching on several nodes', () => {
  it('tells the same everywhere, at the same places', async () => {
    await using cluster = await LocalCluster.start({ objects, ...QUICK });
    await cluster.ready();
    const watches = cluster.nodes.map((node) => node.objects.prices.watch());
    await Promise.all(watches.map((changes) => changes.begun()));

    await Promise.all(
      cluster.nodes.map((node, n) => Promise.all(range(20).map((i) => node.objects.prices.set(`k${n}`, i)))),
    );
    const seen = await Promise.all(watches.map((changes) => take(changes, 3 * 20)));
    const [first, second] = cluster.nodes;
    await first!.objects.prices.set('end', 1);
    const onward = await take(second!.objects.prices.watch({ from: watches[0]!.at! }), 1);

    expect(seen[1]).toEqual(seen[0]);
    expect(seen[2]).toEqual(seen[0]);
    expect(onward).toEqual([{ type: 'set', key: 'end', value: 1 }]);
  });

  it('goes on when another node leads', async () => {
    // With timeouts that a busy machine keeps: nobody else comes to lead by itself.
    await using cluster = await LocalCluster.start({ objects });
    await cluster.ready();
    const leader = await cluster.leader();
    const changes = leader.objects.prices.watch();
    await changes.begun();

    for (const i of range(10)) {
      if (i === 5) await leader.transferLeadership();
      await leader.objects.prices.set('tea', i);
    }

    expect((await take(changes, 10)).map((change) => change.type === 'set' && change.value)).toEqual(range(10));
  });
});

const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

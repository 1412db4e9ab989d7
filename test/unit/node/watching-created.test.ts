/** Watching objects that are created at run time, and waiting for them, until they are dropped; on whole nodes. */

import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { ReplCounter, ReplMap, ReplQueue } from '../../../src/actors/replicated/objects/index.js';
import type { Runtime } from '../../../src/node/runtime.js';
import { LocalCluster } from '../../../src/testing/local-cluster.js';
import { errorOf } from '../actors/replicated/error-of.js';

const QUICK = { electionTimeoutMs: [60, 120], heartbeatMs: 15 } as const;
const GONE = { code: 'ERR_NO_SUCH_OBJECT', mayBeApplied: false };

async function start(nodes: number): Promise<LocalCluster<{ readonly hits: typeof ReplCounter }>> {
  const classes = { ReplCounter, ReplMap, ReplQueue };
  const cluster = await LocalCluster.start({ objects: { hits: ReplCounter }, classes, nodes, ...QUICK });
  await cluster.ready();
  return cluster;
}

const never = (): AbortSignal => new AbortController().signal;

/** Until a waiting call has found nothing, and watches: as often as it takes for what runs on one event loop. */
async function untilItWaits(node: Runtime<{ readonly hits: typeof ReplCounter }>): Promise<void> {
  for (let round = 0; round < 20; round++) {
    await node.objects.hits.get();
    await nextTurn();
  }
}

describe('watching an object that was created', () => {
  it('tells on another node what changes in it, and goes on where it was', async () => {
    await using cluster = await start(3);
    const [a, b] = cluster.nodes as [Runtime<never>, Runtime<never>];
    const scores = await a.create('scores', ReplMap<string, number>);
    const watched = b.object('scores', ReplMap<string, number>);
    await watched.size();
    const changes = watched.watch('ann');
    await changes.begun();

    await scores.set('bob', 1);
    await scores.set('ann', 2);
    const first = await changes.next();
    await scores.set('ann', 3);
    const later = a.object('scores', ReplMap<string, number>).watch('ann', { read: 'get' });
    const state = await later.next();

    expect(first.value).toEqual({ type: 'set', key: 'ann', value: 2 });
    expect((await changes.next()).value).toEqual({ type: 'set', key: 'ann', value: 3, previous: 2 });
    expect(state.value).toEqual({ type: 'state', value: 3 });
  });

  it('ends on all nodes when it is dropped, also where another one of its name is made at once', async () => {
    await using cluster = await start(3);
    const [a, b] = cluster.nodes as [Runtime<never>, Runtime<never>];
    await a.create('hits', ReplCounter);
    await b.object('hits', ReplCounter).get();
    const watches = [a, b].map((node) => node.object('hits', ReplCounter).watch());
    await Promise.all(watches.map((changes) => changes.begun()));
    const readings = watches.map((changes) => errorOf(() => changes.next()));

    const made = await Promise.all([a.drop('hits'), a.create('hits', ReplCounter)]);
    await b.object('hits', ReplCounter).get();
    const again = b.object('hits', ReplCounter).watch();
    await again.begun();
    await made[1].inc();

    expect(await Promise.all(readings)).toEqual([expect.objectContaining(GONE), expect.objectContaining(GONE)]);
    expect((await again.next()).value).toEqual({ type: 'set', value: 1, previous: 0 });
  });

  it('is refused where there is none, or one of another class', async () => {
    await using cluster = await start(1);
    const [node] = cluster.nodes as [Runtime<never>];
    await node.create('hits', ReplCounter);

    const none = await errorOf(() => node.object('misses', ReplCounter).watch().begun());
    const other = await errorOf(() => node.object('hits', ReplMap).watch().next());

    expect([none, other]).toEqual([expect.objectContaining(GONE), expect.objectContaining(GONE)]);
  });
});

describe('waiting for a queue that was created', () => {
  it('takes what another node puts', async () => {
    await using cluster = await start(3);
    const [a, b] = cluster.nodes;
    await a!.create('jobs', ReplQueue<number>);
    const taking = b!.object('jobs', ReplQueue<number>).take({ signal: never() });
    await untilItWaits(b!);

    await a!.object('jobs', ReplQueue<number>).put(7);

    expect(await taking).toBe(7);
  });

  it('is in the order of the calls, by whichever handles they are made', async () => {
    await using cluster = await start(1);
    const [node] = cluster.nodes;
    const jobs = await node!.create('jobs', ReplQueue<number>);
    const others = node!.object('jobs', ReplQueue<number>);
    const taken: string[] = [];
    const takers = [jobs, jobs, others].map(async (handle, i) =>
      taken.push(`${i}: ${await handle.take({ signal: never() })}`),
    );
    await untilItWaits(node!);

    await Promise.all([1, 2, 3].map((item) => jobs.put(item)));
    await Promise.all(takers);

    expect(taken).toEqual(['0: 1', '1: 2', '2: 3']);
  });

  it('ends for all who wait when it is dropped', async () => {
    await using cluster = await start(1);
    const [node] = cluster.nodes;
    const jobs = await node!.create('jobs', ReplQueue<number>);
    const waiting = [1, 2, 3].map(() => errorOf(() => jobs.take({ signal: never() })));
    await untilItWaits(node!);

    await node!.drop('jobs');

    expect(await Promise.all(waiting)).toEqual(waiting.map(() => expect.objectContaining(GONE)));
  });
});

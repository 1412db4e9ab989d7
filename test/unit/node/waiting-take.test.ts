/** Waiting for an item of a queue, and for room in it, on whole nodes. */

import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { object } from '../../../src/actors/replicated/object-definition.js';
import { ReplPriorityQueue, ReplQueue } from '../../../src/actors/replicated/objects/index.js';
import { LocalCluster } from '../../../src/testing/local-cluster.js';
import { errorOf } from '../actors/replicated/error-of.js';
import { Gates } from './fixtures/gates.js';

const QUICK = { electionTimeoutMs: [60, 120], heartbeatMs: 15 } as const;
const objects = {
  jobs: object(ReplQueue<number>, { capacity: 3 }),
  urgent: object(ReplPriorityQueue<number>, {}),
  gates: Gates,
  parcels: object(ReplQueue<{ readonly number: number; readonly bytes: Uint8Array }>, { capacity: 1 }),
};

async function start(nodes: number): Promise<LocalCluster<typeof objects>> {
  const cluster = await LocalCluster.start({ objects, nodes, ...QUICK });
  await cluster.ready();
  return cluster;
}

const never = (): AbortSignal => new AbortController().signal;

/** Until the waiting call has found nothing, and watches: as often as it takes for what runs on one event loop. */
async function untilItWaits(handles: { readonly jobs: { size: () => Promise<number> } }): Promise<void> {
  for (let round = 0; round < 20; round++) {
    await handles.jobs.size();
    await nextTurn();
  }
}

describe.each(['jobs', 'urgent'] as const)('take with a signal, of %s', (name) => {
  it('takes at once what is there', async () => {
    await using cluster = await start(1);
    const queue = cluster.nodes[0]!.objects[name];
    await queue.put(1);

    expect(await queue.take({ signal: never() })).toBe(1);
    expect(await queue.take()).toBeUndefined();
  });

  it('waits until another node has put something', async () => {
    await using cluster = await start(3);
    const [first, second] = cluster.nodes;
    const taking = first!.objects[name].take({ signal: never() });
    await untilItWaits(first!.objects);

    await second!.objects[name].put(7);

    expect(await taking).toBe(7);
  });

  it('gives up when it is told to, and has taken nothing', async () => {
    await using cluster = await start(1);
    const queue = cluster.nodes[0]!.objects[name];
    const aborting = new AbortController();
    const taking = errorOf(() => queue.take({ signal: aborting.signal }));
    await untilItWaits(cluster.nodes[0]!.objects);

    aborting.abort(new Error('enough'));
    const error = await taking;
    await queue.put(1);

    expect(error).toMatchObject({ code: 'ERR_ABORTED', mayBeApplied: false, retrySafe: true });
    expect(await queue.take()).toBe(1);
    expect((await errorOf(() => queue.take({ signal: AbortSignal.abort() }))).code).toBe('ERR_ABORTED');
  });
});

describe('waiting for a queue', () => {
  it('is in the order of the calls of a node', async () => {
    await using cluster = await start(1);
    const { jobs } = cluster.nodes[0]!.objects;
    const taken: string[] = [];
    const takers = ['a', 'b', 'c'].map(async (taker) => taken.push(`${taker}${await jobs.take({ signal: never() })}`));
    await untilItWaits(cluster.nodes[0]!.objects);

    for (const item of [1, 2, 3]) await jobs.put(item);
    await Promise.all(takers);

    expect(taken).toEqual(['a1', 'b2', 'c3']);
  });

  it('goes on for the others when the first one gives up', async () => {
    await using cluster = await start(1);
    const { jobs } = cluster.nodes[0]!.objects;
    const aborting = new AbortController();
    const first = errorOf(() => jobs.take({ signal: aborting.signal }));
    const second = jobs.take({ signal: never() });
    await untilItWaits(cluster.nodes[0]!.objects);

    aborting.abort();
    await jobs.put(1);

    expect((await first).code).toBe('ERR_ABORTED');
    expect(await second).toBe(1);
  });

  it('is not for a change that only one who has given up has waited for', async () => {
    await using cluster = await start(1);
    const { gates, jobs } = cluster.nodes[0]!.objects;
    await gates.open('b');
    const aborting = new AbortController();
    const first = errorOf(() => gates.pass('a', { signal: aborting.signal }));
    const second = gates.pass('b', { signal: never() });
    await untilItWaits({ jobs });

    aborting.abort();

    expect((await first).code).toBe('ERR_ABORTED');
    expect(await second).toBe(true);
  });

  it('is ended by the signal of the handle, too', async () => {
    await using cluster = await start(1);
    const { jobs } = cluster.nodes[0]!.objects;
    const aborting = new AbortController();
    const handle = jobs.with({ signal: aborting.signal });
    const waiting = [1, 2].map(() => errorOf(() => handle.take({ signal: never() })));
    await untilItWaits({ jobs });

    aborting.abort(new Error('enough'));
    const codes = (await Promise.all(waiting)).map(({ code }) => code);
    codes.push((await errorOf(() => handle.take({ signal: never() }))).code);

    expect(codes).toEqual(['ERR_ABORTED', 'ERR_ABORTED', 'ERR_ABORTED']);
  });

  it('returns what it takes when it is told to give up too late', async () => {
    await using cluster = await start(1);
    const { jobs } = cluster.nodes[0]!.objects;
    await jobs.put(1);
    const aborting = new AbortController();

    const taking = jobs.take({ signal: aborting.signal });
    // The command is sent behind the continuations of this turn.
    await nextTurn();
    aborting.abort();
    const taken = await taking.catch((error: unknown) => error);
    const left = await jobs.take();

    // Whichever came first, the item is not gone.
    expect([taken, left].filter((item) => item === 1)).toHaveLength(1);
  });

  it('gives each item to one taker, whichever node it waits on', async () => {
    await using cluster = await start(3);
    const count = 30;
    const takers = cluster.nodes.flatMap((node) =>
      Array.from({ length: count / 3 }, () => node.objects.jobs.take({ signal: never() })),
    );

    for (let item = 0; item < count; item++) await cluster.nodes[item % 3]!.objects.jobs.put(item, { signal: never() });
    const taken = await Promise.all(takers);

    expect(taken.toSorted((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, item) => item));
  });

  it('for room ends when something has been taken', async () => {
    await using cluster = await start(1);
    const { jobs } = cluster.nodes[0]!.objects;
    for (const item of [1, 2, 3]) await jobs.put(item);
    const putting = jobs.put(4, { signal: never() });
    await untilItWaits(cluster.nodes[0]!.objects);

    await jobs.take();

    expect(await putting).toBe(true);
    expect(await jobs.size()).toBe(3);
  });

  it('puts what it was given, whatever becomes of that while it waits', async () => {
    await using cluster = await start(1);
    const { parcels } = cluster.nodes[0]!.objects;
    const parcel = { number: 0, bytes: Uint8Array.of(0) };
    const putting: Promise<boolean>[] = [];
    for (let number = 1; number <= 3; number++) {
      parcel.number = number;
      parcel.bytes[0] = number;
      putting.push(parcels.put(parcel, { signal: never() }));
    }
    parcel.number = 99;

    const taken = [];
    for (let i = 0; i < 3; i++) taken.push(await parcels.take({ signal: never() }));
    await Promise.all(putting);

    expect(taken.map(({ number, bytes }) => [number, ...bytes])).toEqual([
      [1, 1],
      [2, 2],
      [3, 3],
    ]);
  });

  it('refuses at once what cannot be encoded', async () => {
    await using cluster = await start(1);
    const { parcels } = cluster.nodes[0]!.objects;
    const parcel = { number: 1, bytes: Uint8Array.of(1) };
    await parcels.put(parcel);
    const first = parcels.put(parcel, { signal: never() });
    const bad = await errorOf(() => parcels.put((() => {}) as never, { signal: never() }));

    expect(bad).toMatchObject({ code: 'ERR_NOT_ENCODABLE', mayBeApplied: false });
    await parcels.take();
    expect(await first).toBe(true);
  });

  it('goes on when another node leads', async () => {
    // With timeouts that a busy machine keeps: nobody else comes to lead by itself.
    await using cluster = await LocalCluster.start({ objects });
    await cluster.ready();
    const leader = await cluster.leader();
    const taking = leader.objects.jobs.take({ signal: never() });
    await untilItWaits(leader.objects);

    await leader.transferLeadership();
    await cluster.nodes.find((node) => node !== leader)!.objects.jobs.put(1);

    expect(await taking).toBe(1);
  });

  it('is refused where no leader is waited for and none is known, and goes on for those who wait already', async () => {
    await using cluster = await LocalCluster.start({ objects, nodes: 3, waitForLeader: false, ...QUICK });
    await cluster.ready();
    const [node] = cluster.nodes;
    const { jobs } = node!.objects;
    const local = { jobs: jobs.with({ consistency: 'local' }) };
    const aborting = new AbortController();
    const first = errorOf(() => jobs.take({ signal: aborting.signal }));
    const second = jobs.take({ signal: never() });
    await untilItWaits(local);
    for (const each of cluster.nodes) cluster.isolate(each);
    await expect.poll(() => node!.status().leader, { timeout: 5_000 }).toBeNull();

    const refused = await errorOf(() => jobs.take({ signal: never() }));
    aborting.abort();
    // The second one is tried now, and the event loop has its turns nonetheless.
    await untilItWaits(local);
    cluster.heal();
    const put = (): Promise<boolean> => jobs.put(1).catch(() => false);
    await expect.poll(put, { timeout: 5_000 }).toBe(true);

    expect(refused).toMatchObject({ code: 'ERR_NO_LEADER', mayBeApplied: false, retrySafe: true });
    expect((await first).code).toBe('ERR_ABORTED');
    expect(await second).toBe(1);
  });

  it('ends when the runtime stops', async () => {
    await using cluster = await start(1);
    const { jobs } = cluster.nodes[0]!.objects;
    const waiting = [1, 2].map(() => errorOf(() => jobs.take({ signal: never() })));
    await untilItWaits(cluster.nodes[0]!.objects);

    await cluster.stop();

    expect((await Promise.all(waiting)).map(({ code }) => code)).toEqual(['ERR_STOPPED', 'ERR_STOPPED']);
  });

  it('rejects one that is refused, and not the others', async () => {
    await using cluster = await start(1);
    const { jobs } = cluster.nodes[0]!.objects;

    const refused = errorOf(() => jobs.put(undefined as unknown as number, { signal: never() }));
    const accepted = jobs.put(2, { signal: never() });

    expect((await refused).code).toBe('ERR_COMMAND_THREW');
    expect(await accepted).toBe(true);
  });
});

/** Nodes that run only while their user ticks them: inside an application with a loop of its own. */

import { createServer } from 'node:net';
import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { since } from '../../../src/actors/replicated/object-definition.js';
import type { NodeId } from '../../../src/ids.js';
import { checkOptions } from '../../../src/node/check-options.js';
import { InlinePlacement } from '../../../src/node/inline-placement.js';
import type { PlacementEvents } from '../../../src/node/placement.js';
import { Runtime } from '../../../src/node/runtime.js';
import { LocalCluster, type LocalClusterOptions } from '../../../src/testing/local-cluster.js';
import { errorOf } from '../actors/replicated/error-of.js';
import { freeAddresses, until } from '../net/support/loopback.js';
import { Ledger } from './fixtures/ledger.js';
import { OwnLoop } from './fixtures/own-loop.js';

type Objects = { readonly book: typeof Ledger };
type Node = Runtime<Objects>;

const ELECTION_MAX_MS = 300;
const QUICK = { electionTimeoutMs: [150, ELECTION_MAX_MS], heartbeatMs: 15, callTimeoutMs: 5_000 } as const;
const TICKED = { objects: { book: Ledger }, threads: false, autoTick: false, ...QUICK } as const;

const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

async function startTicked(options: Partial<LocalClusterOptions<Objects>> = {}): Promise<{
  readonly cluster: LocalCluster<Objects>;
  readonly loop: OwnLoop;
  readonly leader: Node;
  readonly followers: readonly Node[];
}> {
  const cluster = await LocalCluster.start({ ...TICKED, ...options });
  const loop = new OwnLoop(cluster.nodes);
  cleanups.push(
    () => loop.stop(),
    () => cluster.stop(),
  );
  await cluster.ready();
  const leader = await cluster.leader();
  return { cluster, loop, leader, followers: cluster.nodes.filter((node) => node !== leader) };
}

async function startAlone(): Promise<Node> {
  const [self] = (await freeAddresses(1)) as [NodeId];
  const node = await Runtime.start({ self, peers: [], ...TICKED });
  cleanups.push(() => node.stop());
  return node;
}

/** Ticks one node, as an application does that waits for something of it. */
async function tickUntil(node: Pick<Node, 'tick'>, isOver: () => boolean): Promise<void> {
  while (!isOver()) {
    node.tick();
    await nextTurn();
  }
}

describe('an application with a loop of its own', () => {
  it('embeds a node: what it asks for is done in its ticks, and it sees the objects themselves', async () => {
    const addresses = await freeAddresses(3);
    const nodes = await Promise.all(
      addresses.map((self) => Runtime.start({ self, peers: addresses.filter((each) => each !== self), ...TICKED })),
    );
    cleanups.push(() => Promise.all(nodes.map((node) => node.stop())));
    const [node] = nodes as [Node];
    let isReady = false;
    let total = 0;
    void Promise.all(nodes.map((each) => each.ready())).then(() => (isReady = true));
    const isWithinTick: boolean[] = [];
    let isTicking = false;
    for (const each of nodes) each.on('ready', () => isWithinTick.push(isTicking));

    for (let frame = 0; total < 10; frame++) {
      isTicking = true;
      for (const each of nodes) each.tick();
      isTicking = false;
      if (isReady && frame % 2 === 0) void node.objects.book.add(1).catch(() => {});
      total = node.local('book').sum();
      await nextTurn();
    }

    expect(isWithinTick).toEqual([true, true, true]);
    await Promise.all(nodes.map((each) => each.stop()));
    expect(node.status().health).toBe('stopped');
  });

  it('finds everything done that it asks for in one tick, where nobody else is needed', async () => {
    const node = await startAlone();
    await tickUntil(node, () => node.status().health === 'ok');
    const sum = node.objects.book.add(7);
    await nextTurn();

    node.tick();

    expect(node.local('book').sum()).toBe(7);
    expect(await sum).toBe(7);
  });

  it('is told by a tick whether it has left something over', async () => {
    const node = await startAlone();
    await tickUntil(node, () => node.status().health === 'ok');
    const sums = Promise.all(Array.from({ length: 20_000 }, () => node.objects.book.add(1)));
    await nextTurn();

    const leftOver = node.tick(0);
    const atRest = node.tick(10_000);
    await tickUntil(node, () => node.local('book').sum() === 20_000);

    expect([leftOver, atRest]).toEqual([true, false]);
    node.tick();
    expect(await sums).toHaveLength(20_000);
  });
});

describe('between two ticks', () => {
  it('nothing is done: no command, no query, no change of the status', async () => {
    const node = await startAlone();
    await tickUntil(node, () => node.status().health === 'ok');
    const before = node.status();
    let answers = 0;
    const calls = [node.objects.book.add(1), node.objects.book.with({ consistency: 'local' }).sum()].map((call) =>
      call.finally(() => answers++),
    );

    await delay(ELECTION_MAX_MS);

    expect(answers).toBe(0);
    const uptimeMs = expect.any(Number) as number;
    expect(node.status()).toEqual({ ...before, pendingCommands: 1, pendingQueries: 1, uptimeMs });
    await tickUntil(node, () => answers === 2);
    await Promise.all(calls);
  });
});

describe('a node that is not ticked for long', () => {
  it('loses its lead to another, follows it when it goes on, and disturbs nobody', async () => {
    const { loop, leader, followers } = await startTicked();
    await leader.objects.book.add(1);

    loop.rest(leader);
    await until(() => followers.some((node) => node.status().role === 'leader'));
    const next = followers.find((node) => node.status().role === 'leader')!;
    await next.objects.book.add(1);
    const { term } = next.status();
    expect(leader.status().role).toBe('leader');
    loop.rest();
    await until(() => leader.status().role === 'follower' && leader.local('book').sum() === 2);
    await delay(3 * ELECTION_MAX_MS);

    for (const node of [leader, ...followers]) {
      expect(node.status()).toMatchObject({ term, leader: next.status().self });
    }
  });

  it('as a follower raises no term when it goes on', { timeout: 20_000 }, async () => {
    // A machine that has much else to do holds up all of them, and is not to be taken for a lost leader.
    const patient = { electionTimeoutMs: [1_000, 1_500], heartbeatMs: 50 } as const;
    const { loop, leader, followers } = await startTicked(patient);
    const [resting] = followers as [Node];
    const { term } = leader.status();

    loop.rest(resting);
    for (let i = 0; i < 10; i++) {
      await leader.objects.book.add(1);
      await delay(patient.electionTimeoutMs[1] / 7);
    }
    loop.rest();
    await until(() => resting.local('book').sum() === 10);
    await delay(patient.electionTimeoutMs[1]);

    expect(leader.status()).toMatchObject({ term, role: 'leader' });
  });

  it.each([
    ['that hears nothing of its successor', true],
    ['that finds the news of its successor waiting', false],
  ])('has no lease left: a leader %s never answers from the past', async (_what, isCutOff) => {
    const { cluster, loop, leader, followers } = await startTicked();
    await leader.objects.book.add(1);
    const lease = leader.objects.book.with({ consistency: 'lease' });
    expect(await lease.sum()).toBe(1);

    loop.rest(leader);
    if (isCutOff) cluster.isolate(leader);
    await until(() => followers.some((node) => node.status().role === 'leader'));
    await followers.find((node) => node.status().role === 'leader')!.objects.book.add(1);
    const answer = lease.sum();
    loop.rest();
    await delay(ELECTION_MAX_MS);
    cluster.heal();

    expect(await answer).toBe(2);
  });

  it('takes calls, and lets them time out when it goes on', async () => {
    const { cluster, loop, leader } = await startTicked();
    cluster.isolate(leader);
    const call = errorOf(() => leader.objects.book.with({ timeoutMs: 10 }).add(1));
    loop.rest(...cluster.nodes);
    await delay(50);

    loop.rest();

    expect(await call).toMatchObject({ code: 'ERR_TIMEOUT' });
  });
});

describe('the end of a node that is ticked', () => {
  it('needs no ticks, and settles what waits', async () => {
    const node = await startAlone();
    await tickUntil(node, () => node.status().health === 'ok');
    const call = errorOf(() => node.objects.book.add(1));

    await node.stop();

    expect(await call).toMatchObject({ code: 'ERR_STOPPED' });
    expect(node.tick()).toBe(false);
    expect(await errorOf(() => node.local('book'))).toMatchObject({ code: 'ERR_STOPPED', mayBeApplied: false });
  });

  it('may be asked for by a listener, within a tick', async () => {
    const node = await startAlone();
    let stopped: Promise<void> | undefined;
    node.on('ready', () => {
      stopped = node.stop();
      expect(node.tick()).toBe(false);
    });

    await tickUntil(node, () => stopped !== undefined);
    await stopped;

    expect(node.status().health).toBe('stopped');
  });

  it('leaves nothing that ticks, also where the node had failed before', async () => {
    const [self] = (await freeAddresses(1)) as [NodeId];
    const options = checkOptions({ self, peers: [], ...TICKED });
    let events: PlacementEvents | undefined;
    let ticks = 0;
    const node = await Runtime.startOn(options, (given) => {
      events = given;
      const placement = new InlinePlacement(options, given);
      const scheduler = placement.ticks!;
      const tick = scheduler.tick.bind(scheduler);
      scheduler.tick = (budgetMs) => {
        ticks++;
        return tick(budgetMs);
      };
      return placement;
    });
    events!.onFailure(new Error('gone'));
    // All that it does when it fails has been done.
    await until(() => ticks > 0);
    let before = -1;
    while (before !== ticks) {
      before = ticks;
      await delay(20);
    }

    await node.stop();
    before = ticks;
    await delay(20);

    expect(ticks).toBe(before);
  });

  it('comes by itself when it is removed', async () => {
    const { leader, followers } = await startTicked();

    await leader.members.remove(followers[0]!.status().self!);

    await until(() => followers[0]!.status().health === 'stopped');
  });

  it('comes before its beginning where its port is taken', async () => {
    const [self] = (await freeAddresses(1)) as [NodeId];
    const server = createServer();
    await new Promise<void>((resolve) => void server.listen(Number(self.split(':')[1]), '127.0.0.1', resolve));
    cleanups.push(() => server.close());

    const error = await errorOf(() => Runtime.start({ self, peers: [], ...TICKED }));

    expect(error).toMatchObject({ code: 'ERR_ADDRESS_UNAVAILABLE' });
  });
});

describe('the object itself', () => {
  it('is there as queries see it, also where it is of a later code version', async () => {
    const [self] = (await freeAddresses(1)) as [NodeId];
    const objects = { book: Ledger, later: since(1, Ledger) };
    const node = await Runtime.start({ self, peers: [], ...TICKED, objects });
    cleanups.push(() => node.stop());
    let isRaised = false;
    await tickUntil(node, () => node.status().role === 'leader' && node.status().appliedIndex > 0);
    const before = node.local('later').sum();

    void node.setCodeVersion(1).then(() => (isRaised = true));
    await tickUntil(node, () => isRaised);
    void node.objects.later.add(3);
    await tickUntil(node, () => node.local('later').sum() > 0);

    expect([before, node.local('later').sum()]).toEqual([0, 3]);
  });

  it('is another one once the node has been given a snapshot', async () => {
    const { cluster, leader, followers } = await startTicked();
    const [behind] = followers as [Node];
    const before = behind.local('book');
    const installed: number[] = [];
    behind.on('snapshot', (event) => {
      if (event.type === 'installed') installed.push(event.index);
    });

    cluster.isolate(behind);
    await leader.objects.book.add(3);
    // Two, for the log is kept back to the older one.
    await leader.compact();
    await leader.objects.book.add(4);
    await leader.compact();
    cluster.heal();
    await until(() => installed.length > 0 && behind.local('book').sum() === 7);

    expect(behind.local('book')).not.toBe(before);
    expect(before.sum()).toBe(0);
  });

  it('is there without ticks, too, where the node has no threads', async () => {
    await using cluster = await LocalCluster.start({ objects: { book: Ledger }, nodes: 1, ...QUICK });
    await cluster.ready();
    const [node] = cluster.nodes as [Node];

    await node.objects.book.append('x');

    expect(node.local('book').all()).toEqual(['x']);
    expect(await errorOf(() => node.local('other' as 'book'))).toMatchObject({ code: 'ERR_UNKNOWN_OBJECT' });
    expect(await errorOf(() => node.tick())).toMatchObject({
      code: 'ERR_INVALID_OPTION',
      data: { option: 'autoTick' },
    });
  });
});

describe('a tick', () => {
  it.each([-1, Number.NaN, '10'])('cannot take %s milliseconds', async (budgetMs) => {
    const node = await startAlone();

    expect(await errorOf(() => node.tick(budgetMs as number))).toMatchObject({
      code: 'ERR_INVALID_OPTION',
      data: { option: 'budgetMs' },
    });
  });
});

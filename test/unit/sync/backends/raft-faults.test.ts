/** Locks of a cluster whose nodes stop, are cut off, and change their leader. */

import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { object } from '../../../../src/actors/replicated/object-definition.js';
import { ReplCounter, ReplLockManager } from '../../../../src/actors/replicated/objects/index.js';
import type { Runtime } from '../../../../src/node/runtime.js';
import { connect, raft } from '../../../../src/sync/index.js';
import { LocalCluster } from '../../../../src/testing/local-cluster.js';
import { errorOf } from '../../actors/replicated/error-of.js';

const QUICK = { electionTimeoutMs: [60, 120], heartbeatMs: 15 } as const;
const SLOW = { electionTimeoutMs: [300, 600], heartbeatMs: 50 } as const;
const objects = { locks: object(ReplLockManager, { autoUnlockMs: 800 }) };
/** What the longest step of a busy machine may take away from it is a margin of a tenth. */
const TTL_MS = 800;
const FOREVER_MS = 3_600_000;

type Node = Runtime<typeof objects>;

interface Scene extends AsyncDisposable {
  readonly cluster: LocalCluster<typeof objects>;
  readonly leader: Node;
  readonly followers: readonly [Node, Node];
}

async function start(options: typeof QUICK | typeof SLOW = QUICK): Promise<Scene> {
  const cluster = await LocalCluster.start({ objects, ...options });
  await cluster.ready();
  const leader = await cluster.leader();
  const followers = cluster.nodes.filter((node) => node !== leader) as [Node, Node];
  return { cluster, leader, followers, [Symbol.asyncDispose]: () => cluster.stop() };
}

describe('a lock of a cluster', () => {
  it('passes on at once when the runtime of its holder stops', async () => {
    await using scene = await start();
    const [stopping, other] = scene.followers;
    const held = await (await connect(raft(stopping))).lock('x', { ttlMs: FOREVER_MS }).acquire();
    const waiting = (await connect(raft(other))).lock('x').acquire();

    await stopping.stop();

    expect((await waiting).token).toBeGreaterThan(held.token);
    expect(await held.lost).toMatchObject({ code: 'ERR_LOCK_LOST' });
  });

  it('tells who waits on a node that is removed why it waits no more', async () => {
    await using scene = await start();
    const [removed] = scene.followers;
    await (await connect(raft(scene.leader))).lock('x', { ttlMs: FOREVER_MS }).acquire();
    const waiting = errorOf(async () => (await connect(raft(removed))).lock('x').acquire());
    await removed.objects.locks.sightings();

    await scene.leader.members.remove(removed.status().self!);

    expect(await waiting).toMatchObject({ code: 'ERR_STOPPED', data: { reason: 'removed' }, mayBeApplied: false });
  });

  it('passes on when the holder was on the leader, which is cut off, and knows before', async () => {
    await using scene = await start();
    const held = await (await connect(raft(scene.leader))).lock('x', { ttlMs: TTL_MS }).acquire();
    const order: string[] = [];
    held.once('lost', () => order.push('lost'));
    const waiting = (await connect(raft(scene.followers[0]))).lock('x', { ttlMs: FOREVER_MS }).acquire();
    await scene.followers[0].objects.locks.sightings();

    scene.cluster.isolate(scene.leader);
    const granted = await waiting;
    order.push('granted');

    expect(order).toEqual(['lost', 'granted']);
    expect(granted.token).toBeGreaterThan(held.token);
  });

  it('is not taken from a holder that is cut off, also where the network is said to be direct', async () => {
    const direct = { locks: object(ReplLockManager, { directNetwork: true }) };
    await using cluster = await LocalCluster.start({ objects: direct, ...SLOW });
    await cluster.ready();
    const leader = await cluster.leader();
    const [mine, theirs] = cluster.nodes.filter((node) => node !== leader) as [Node, Node];
    const held = await (await connect(raft(mine))).lock('x', { ttlMs: TTL_MS }).acquire();

    cluster.isolate(mine);
    while (!(await theirs.objects.locks.tryAcquire('x'))) await nextTurn();

    expect(held.held).toBe(false);
  });

  it('is not taken from a holder that lives while leaders change', async () => {
    await using scene = await start();
    const { cluster, followers } = scene;
    const held = await (await connect(raft(followers[0]))).lock('x', { ttlMs: 2 * TTL_MS }).acquire();
    const untilMs = performance.now() + 4 * TTL_MS;

    while (performance.now() < untilMs) {
      const leader = await cluster.leader();
      await leader.transferLeadership().catch(() => {});
      await cluster.leader();
      await followers[1].objects.locks.sightings();
    }

    expect([held.held, held.signal.aborted]).toEqual([true, false]);
    expect(await followers[1].objects.locks.tryAcquire('x')).toBe(false);
  });

  it('is not free earlier because the leader has changed: the new one counts anew', async () => {
    // The successor must take over within the longest election timeout, and long before the old leader ends the
    // session.
    await using scene = await start(SLOW);
    const ttlMs = 2_500;
    const held = await (await connect(raft(scene.followers[0]))).lock('x', { ttlMs }).acquire();
    const waiting = (await connect(raft(scene.followers[1]))).lock('x', { ttlMs: FOREVER_MS }).acquire();
    await scene.followers[1].objects.locks.sightings();
    scene.cluster.isolate(scene.followers[0]);
    while (held.expiresInMs > 0.6 * ttlMs) await nextTurn();

    const beforeMs = performance.now();
    await scene.leader.transferLeadership(scene.followers[1].status().self!);
    await waiting;

    expect(performance.now() - beforeMs).toBeGreaterThan(ttlMs);
    expect(held.held).toBe(false);
  });

  it('is granted to one who waited, was cut off for long, and has come back', async () => {
    await using scene = await start();
    const [cutOff, other] = scene.followers;
    const first = await (await connect(raft(other))).lock('x', { ttlMs: FOREVER_MS }).acquire();
    const waiting = (await connect(raft(cutOff))).lock('x', { ttlMs: TTL_MS }).acquire();
    while ((await other.objects.locks.look('lock/x'))?.waitingCount !== 1) await nextTurn();
    scene.cluster.isolate(cutOff);
    while ((await other.objects.locks.look('lock/x'))?.waitingCount !== 0) await nextTurn();

    scene.cluster.heal();
    await first.release();

    expect((await waiting).token).toBeGreaterThan(first.token);
  });

  it('is granted to one whose node was given a snapshot instead of the log that says so', async () => {
    await using scene = await start();
    const [cutOff, other] = scene.followers;
    const first = await (await connect(raft(other))).lock('x', { ttlMs: FOREVER_MS }).acquire();
    const waiting = (await connect(raft(cutOff))).lock('x', { ttlMs: FOREVER_MS }).acquire();
    while ((await other.objects.locks.look('lock/x'))?.waitingCount !== 1) await nextTurn();
    const installed = new Promise<void>((resolve) => {
      cutOff.on('snapshot', ({ type }) => type === 'installed' && resolve());
    });
    scene.cluster.isolate(cutOff);

    await first.release();
    for (const node of [scene.leader, other]) {
      // The log is kept back to the snapshot before the last.
      for (let i = 0; i < 3; i++) {
        await node.objects.locks.tryAcquire(`y${i}`);
        await node.compact();
      }
    }
    scene.cluster.heal();
    await installed;

    expect((await waiting).held).toBe(true);
  });
});

describe('a node with a lock manager', () => {
  it('holds locks as a whole, for as long as it lives', async () => {
    await using scene = await start();
    const [mine, theirs] = scene.followers;
    const { locks } = mine.objects;

    const taken = await Promise.all([locks.tryAcquire('x'), locks.tryAcquire('x'), locks.tryAcquire('x')]);

    expect(taken).toEqual([true, true, true]);
    expect([await locks.isAcquired('x'), await theirs.objects.locks.isAcquired('x')]).toEqual([true, false]);
    expect(await theirs.objects.locks.tryAcquire('x')).toBe(false);
    await locks.release('x');
    await locks.release('x');
    expect([await locks.isAcquired('x'), await theirs.objects.locks.tryAcquire('x')]).toEqual([false, true]);
  });

  it('that is cut off no longer believes in its locks before they are free', async () => {
    await using scene = await start();
    const [mine, theirs] = scene.followers;
    await mine.objects.locks.tryAcquire('x');
    scene.cluster.isolate(mine);

    while (!(await theirs.objects.locks.tryAcquire('x'))) await nextTurn();

    expect(await mine.objects.locks.isAcquired('x')).toBe(false);
  });

  it('shares its locks with conclave/sync', async () => {
    await using scene = await start();
    const [mine, theirs] = scene.followers;
    const held = await (await connect(raft(mine))).lock('x').acquire();

    expect(await theirs.objects.locks.tryAcquire('x')).toBe(false);
    await held.release();
    expect(await theirs.objects.locks.tryAcquire('x')).toBe(true);
  });

  it('stops while it waits for a lock, and says so', async () => {
    await using scene = await start();
    const [mine, theirs] = scene.followers;
    await theirs.objects.locks.tryAcquire('x');
    const waiting = (await connect(raft(mine))).lock('x').acquire();
    const error = errorOf(() => waiting);
    await mine.objects.locks.sightings();

    await mine.stop();

    expect((await error).code).toBe('ERR_STOPPED');
  });
});

describe('raft', () => {
  it('says what is missing where there is no lock manager', async () => {
    await using cluster = await LocalCluster.start({ nodes: 1, objects: { hits: ReplCounter } });

    expect(() => raft(cluster.nodes[0]!)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_OBJECT' }));
  });

  it('says what to do about a runtime that was not awaited', async () => {
    const notAwaited = Promise.resolve({ attendants: () => new Map() });

    const error = await errorOf(async () => raft(notAwaited as never));

    expect(error.code).toBe('ERR_INVALID_OPTION');
    expect(error.message).toContain('is a promise of one: await it first');
  });

  it('asks which one is meant where there are several', async () => {
    const two = { a: ReplLockManager, b: ReplLockManager };
    await using cluster = await LocalCluster.start({ nodes: 1, objects: two });
    const [node] = cluster.nodes as [Runtime<typeof two>];

    expect(() => raft(node)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_OPTION' }));
    expect(() => raft(node, 'c')).toThrow(expect.objectContaining({ code: 'ERR_INVALID_OPTION' }));
    expect(raft(node, 'b')).toBe(raft(node, 'b'));
  });

  it('refuses a lock manager that is to be created at run time: nobody would end its sessions', async () => {
    const starting = (): Promise<unknown> =>
      LocalCluster.start({ nodes: 1, objects: { hits: ReplCounter }, classes: { ReplLockManager } });

    expect(await errorOf(starting)).toMatchObject({ code: 'ERR_INVALID_OBJECT' });
  });

  it.each([{ autoUnlockMs: 5 }, { directNetwork: 'yes' as unknown as boolean }])(
    'refuses a lock manager with options that make no sense',
    async (options) => {
      const starting = (): Promise<unknown> =>
        LocalCluster.start({ nodes: 1, objects: { locks: object(ReplLockManager, options) } });

      expect((await errorOf(starting)).code).toMatch(/^ERR_INVALID_O/);
    },
  );
});

import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Runtime } from '../../../src/node/runtime.js';
import { LocalCluster, type LocalClusterOptions } from '../../../src/testing/local-cluster.js';
import { errorOf } from '../actors/replicated/error-of.js';
import { Ledger } from './fixtures/ledger.js';

type Objects = { readonly book: typeof Ledger };
type Node = Runtime<Objects>;

const QUICK = { electionTimeoutMs: [60, 120], heartbeatMs: 15 } as const;

describe('the life of a node', () => {
  let cluster: LocalCluster<Objects> | undefined;

  afterEach(() => cluster?.stop());

  async function start(options: Partial<LocalClusterOptions<Objects>> = {}): Promise<LocalCluster<Objects>> {
    cluster = await LocalCluster.start({ objects: { book: Ledger }, ...QUICK, ...options });
    return cluster;
  }

  async function startReady(options: Partial<LocalClusterOptions<Objects>> = {}): Promise<Node> {
    await start(options);
    await cluster!.ready();
    return cluster!.leader();
  }

  const followerOf = (leader: Node): Node => cluster!.nodes.find((node) => node !== leader)!;

  function isolateAll(): void {
    for (const node of cluster!.nodes) cluster!.isolate(node);
  }

  const whenLeaderIs = (node: Node, isKnown: boolean): Promise<void> =>
    new Promise((resolve) => {
      if ((node.status().leader !== null) === isKnown) return resolve();
      node.on('leader', (leader) => {
        if ((leader !== null) === isKnown) resolve();
      });
    });

  it('a cluster of one serves itself', async () => {
    const node = await startReady({ nodes: 1 });

    expect(await node.objects.book.add(2)).toBe(2);
    expect(await node.objects.book.sum()).toBe(2);
    expect(node.status()).toMatchObject({ role: 'leader', health: 'ok' });
  });

  it('a change of members that has just been begun is waited for no longer when a listener stops the node', async () => {
    const node = await startReady({ nodes: 1 });
    node.once('member', () => void node.stop());

    const error = await errorOf(() => node.members.add('newcomer:1', { timeoutMs: 2_000 }));

    expect(error).toMatchObject({ code: 'ERR_STOPPED', mayBeApplied: true });
  });

  it('says that it is ready once, by promise and by event, and what role and leader it has', async () => {
    const { nodes } = await start();
    const told: string[] = [];
    for (const [i, node] of nodes.entries()) {
      node.on('ready', () => told.push(`ready ${i}`));
      node.on('role', (role) => told.push(`role ${role} ${i}`));
      node.on('leader', (leader) => told.push(`leader ${i} ${leader === null ? 'unknown' : 'known'}`));
    }

    await cluster!.ready();

    const leader = await cluster!.leader();
    expect(told.filter((event) => event.startsWith('ready')).toSorted()).toEqual(['ready 0', 'ready 1', 'ready 2']);
    expect(told).toContain(`leader ${nodes.indexOf(leader)} known`);
    expect(told).toContain(`leader ${nodes.indexOf(followerOf(leader))} known`);
    expect(told).toContain(`role leader ${nodes.indexOf(leader)}`);
    expect(leader.status().leader).toBe(leader.status().self);
  });

  it('a listener that throws does not take the node along', async () => {
    const { nodes } = await start();
    const thrown: unknown[] = [];
    const onUncaught = (error: unknown): unknown => thrown.push(error);
    const listeners = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException').on('uncaughtException', onUncaught);
    nodes[0]!.on('ready', () => {
      throw new Error('of the listener');
    });

    await cluster!.ready();

    await nodes[0]!.objects.book.add(1);
    process.off('uncaughtException', onUncaught);
    for (const listener of listeners) process.on('uncaughtException', listener);
    expect(thrown).toMatchObject([{ message: 'of the listener' }]);
  });

  it('waits for a leader, and says so when there was none in time: nothing was applied', async () => {
    const leader = await startReady();
    isolateAll();
    await whenLeaderIs(leader, false);

    const error = await errorOf(() => leader.objects.book.with({ timeoutMs: 100 }).add(1));

    expect(error).toMatchObject({ code: 'ERR_NO_LEADER', mayBeApplied: false, retrySafe: true });
    cluster!.heal();
    expect(await leader.objects.book.add(5)).toBe(5);
  });

  it('waits for no leader where it is told not to, but for what asks none, and goes on when there is one', async () => {
    const leader = await startReady({ waitForLeader: false });
    const { book } = leader.objects;
    await book.add(7);
    isolateAll();
    await whenLeaderIs(leader, false);

    const startedMs = performance.now();
    const errors = [
      await errorOf(() => book.add(1)),
      await errorOf(() => book.sum()),
      await errorOf(() => book.with({ consistency: 'lease' }).sum()),
      await errorOf(async () => book.tell.add(1)),
    ];
    const waitedMs = performance.now() - startedMs;

    const refused = { code: 'ERR_NO_LEADER', mayBeApplied: false, retrySafe: true };
    expect(errors).toMatchObject([refused, refused, refused, refused]);
    expect(waitedMs).toBeLessThan(1_000);
    expect(await book.with({ consistency: 'local' }).sum()).toBe(7);
    cluster!.heal();
    await whenLeaderIs(leader, true);
    expect(await book.add(5)).toBe(12);
  });

  it('a call made while others wait for a leader has all of its own time', async () => {
    const leader = await startReady({ callTimeoutMs: 600 });
    isolateAll();
    await whenLeaderIs(leader, false);

    const first = errorOf(() => leader.objects.book.add(1));
    await new Promise((resolve) => setTimeout(resolve, 400));
    const startedMs = performance.now();
    const second = await errorOf(() => leader.objects.book.add(1));
    const waitedMs = performance.now() - startedMs;

    expect(await first).toMatchObject({ code: 'ERR_NO_LEADER' });
    expect(second).toMatchObject({ code: 'ERR_NO_LEADER' });
    expect(waitedMs).toBeGreaterThan(500);
  });

  it.each(['linearizable', 'lease'] as const)(
    'a %s query without a leader fails for that reason',
    async (consistency) => {
      const leader = await startReady();
      isolateAll();
      await whenLeaderIs(leader, false);

      const error = await errorOf(() => leader.objects.book.with({ consistency, timeoutMs: 100 }).sum());

      expect(error).toMatchObject({ code: 'ERR_NO_LEADER', mayBeApplied: false, retrySafe: true });
    },
  );

  it('a local query needs no leader', async () => {
    const leader = await startReady();
    await leader.objects.book.add(7);
    isolateAll();
    await whenLeaderIs(leader, false);

    expect(await leader.objects.book.with({ consistency: 'local' }).sum()).toBe(7);
  });

  it('a command that was sent and not answered may be applied', async () => {
    const leader = await startReady({ electionTimeoutMs: [300, 600], heartbeatMs: 50 });
    isolateAll();

    const error = await errorOf(() => leader.objects.book.with({ timeoutMs: 50 }).add(1));

    expect(error).toMatchObject({ code: 'ERR_TIMEOUT', mayBeApplied: true, retrySafe: false });
  });

  it('a command whose signal is aborted after it was sent may be applied', async () => {
    const leader = await startReady({ electionTimeoutMs: [300, 600], heartbeatMs: 50 });
    isolateAll();
    const controller = new AbortController();

    const error = errorOf(() => leader.objects.book.with({ signal: controller.signal }).add(1));
    await new Promise((resolve) => setImmediate(resolve));
    controller.abort('enough');

    expect(await error).toMatchObject({ code: 'ERR_ABORTED', mayBeApplied: true, retrySafe: false, cause: 'enough' });
  });

  it('takes no more calls than its limit, and all again when there is room', async () => {
    const leader = await startReady({ limits: { pendingCommands: 10 } });
    const { book } = leader.objects;

    const calls = Array.from({ length: 10 }, () => book.add(1));
    const refused = await errorOf(() => book.add(1));
    const told = await errorOf(() => book.tell.add(1));

    expect(refused).toMatchObject({ code: 'ERR_QUEUE_FULL', mayBeApplied: false, retrySafe: true });
    expect(told).toMatchObject({ code: 'ERR_QUEUE_FULL' });
    expect(await book.sum()).toBeLessThanOrEqual(10);
    expect(await Promise.all(calls)).toHaveLength(10);
    expect(await book.add(1)).toBe(11);
    expect(leader.status().pendingCommands).toBe(0);
  });

  it('refuses a command that is too large, and sends its neighbours', async () => {
    const leader = await startReady({ limits: { commandBytes: 1000 } });
    const { book } = leader.objects;

    const before = book.add(1);
    const error = errorOf(() => book.append('x'.repeat(2000)));
    const after = book.add(1);

    expect(await error).toMatchObject({ code: 'ERR_COMMAND_TOO_LARGE', mayBeApplied: false });
    expect([await before, await after]).toEqual([1, 2]);
  });

  it('settles everything that waits when it is stopped', async () => {
    const leader = await startReady();
    const { book } = leader.objects;
    isolateAll();
    const sent = errorOf(() => book.add(1));
    const read = errorOf(() => book.sum());
    await Promise.all([leader, followerOf(leader)].map((node) => whenLeaderIs(node, false)));
    const unsent = errorOf(() => book.add(2));
    const transfer = errorOf(() => followerOf(leader).transferLeadership());

    await leader.stop();

    expect(await sent).toMatchObject({ code: 'ERR_STOPPED', mayBeApplied: true });
    expect(await unsent).toMatchObject({ code: 'ERR_STOPPED', mayBeApplied: false });
    expect(await read).toMatchObject({ mayBeApplied: false });
    expect(await transfer).toMatchObject({ code: 'ERR_NO_LEADER' });
    expect(await errorOf(() => book.add(3))).toMatchObject({ code: 'ERR_STOPPED', mayBeApplied: false });
    expect(await errorOf(() => book.sum())).toMatchObject({ code: 'ERR_STOPPED', mayBeApplied: false });
    expect(await errorOf(() => book.tell.add(3))).toMatchObject({ code: 'ERR_STOPPED', mayBeApplied: false });
    const later = [
      leader.transferLeadership(),
      leader.compact(),
      leader.members.add('127.0.0.1:1'),
      leader.setCodeVersion(1),
    ];
    const nothing = { status: 'rejected', reason: { code: 'ERR_STOPPED', mayBeApplied: false } };
    expect(await Promise.allSettled(later)).toMatchObject(later.map(() => nothing));
    expect(leader.status()).toMatchObject({ health: 'stopped', pendingCommands: 0 });
  });

  it('may be stopped while it starts to look for a leader, and more than once', async () => {
    const { nodes } = await start();
    const ready = errorOf(() => nodes[0]!.ready());

    await Promise.all([nodes[0]!.stop(), nodes[0]!.stop()]);

    expect(await ready).toMatchObject({ code: 'ERR_STOPPED' });
    await nodes[0]!.stop();
  });

  it('gives up waiting to be ready when it is told to', async () => {
    const { nodes } = await start({ electionTimeoutMs: [5_000, 10_000], heartbeatMs: 50 });
    const controller = new AbortController();

    const ready = errorOf(() => nodes[0]!.ready({ signal: controller.signal }));
    controller.abort();

    expect(await ready).toMatchObject({ code: 'ERR_ABORTED', mayBeApplied: false });
    expect(await errorOf(() => nodes[0]!.ready({ signal: AbortSignal.abort() }))).toMatchObject({
      code: 'ERR_ABORTED',
    });
  });

  it.each([
    ['an option that there is not', { timeoutMs: 100 }, 'timeoutMs is not an option; there is signal'],
    ['a signal that is none', { signal: 100 }, 'signal must be an AbortSignal'],
    ['no options', 100, 'options must be an object'],
    ['a signal where options are asked for', AbortSignal.abort(), 'options must be an object, of signal'],
  ])('does not wait to be ready for ever because of %s', async (_, options, complaint) => {
    const { nodes } = await start();

    const error = await errorOf(() => nodes[0]!.ready(options as object));

    expect(error.code).toBe('ERR_INVALID_OPTION');
    expect(error.message).toContain(complaint);
  });

  it('says what it waited for to be ready', async () => {
    const { nodes } = await start({ electionTimeoutMs: [5_000, 10_000], heartbeatMs: 50 });
    cluster!.isolate(nodes[0]!);
    const cutOff = { health: 'founding', members: [{ connected: true }, { connected: false }, { connected: false }] };
    await vi.waitFor(() => expect(nodes[0]!.status()).toMatchObject(cutOff));

    const error = await errorOf(() => nodes[0]!.ready({ signal: AbortSignal.abort() }));

    expect(error.message).toBe('Not ready: founding; connected to 0 of 2 peers (not to node2:1, node3:1).');
    expect(error.data).toEqual({ health: 'founding', leader: null });
  });

  it('hands leadership to the one that is asked for, and refuses what cannot be', async () => {
    const leader = await startReady({ electionTimeoutMs: [200, 600], heartbeatMs: 50 });
    const target = followerOf(leader);

    await leader.transferLeadership(target.status().self!);

    expect(await cluster!.leader()).toBe(target);
    expect(await errorOf(() => target.transferLeadership('elsewhere:1'))).toMatchObject({ code: 'ERR_INVALID_OPTION' });
    await target.transferLeadership(target.status().self!);
    expect(await cluster!.leader()).toBe(target);
  });

  it('goes on leading when the target does not take over', async () => {
    const leader = await startReady({ electionTimeoutMs: [200, 400], heartbeatMs: 50 });
    const target = followerOf(leader);
    cluster!.isolate(target);
    await Promise.all(Array.from({ length: 3 }, () => leader.objects.book.add(1)));

    const transfer = errorOf(() => leader.transferLeadership(target.status().self!));
    const another = errorOf(() => leader.transferLeadership());
    const meanwhile = leader.objects.book.add(1);

    expect(await transfer).toMatchObject({ code: 'ERR_TRANSFER_FAILED', mayBeApplied: false, retrySafe: true });
    expect(await another).toMatchObject({ code: 'ERR_TRANSFER_FAILED' });
    expect(await meanwhile).toBe(4);
    expect(await cluster!.leader()).toBe(leader);
  });

  it('a transfer that is under way when the node is stopped ends with that', async () => {
    const leader = await startReady({ electionTimeoutMs: [500, 2_000], heartbeatMs: 50 });
    const target = followerOf(leader);
    cluster!.isolate(target);
    await leader.objects.book.add(1);

    const transfer = errorOf(() => leader.transferLeadership(target.status().self!));
    await leader.stop();

    expect(await transfer).toMatchObject({ code: 'ERR_STOPPED' });
  });

  it('the only node has nobody to hand leadership to', async () => {
    const node = await startReady({ nodes: 1 });

    expect(await errorOf(() => node.transferLeadership())).toMatchObject({ code: 'ERR_TRANSFER_FAILED' });
  });

  it('tells how it fares', async () => {
    const leader = await startReady();
    const ids = cluster!.nodes.map((node) => ({ id: node.status().self, connected: true }));

    expect(leader.status()).toMatchObject({ role: 'leader', health: 'ok', pendingCommands: 0, members: ids });
    isolateAll();
    await whenLeaderIs(leader, false);
    expect(leader.status()).toMatchObject({ health: 'no quorum', leader: null });
  });
});

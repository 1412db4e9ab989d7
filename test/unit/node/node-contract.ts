/**
 * What the programs of a cluster of three may rely on besides calls, wherever its nodes run: ready-made objects,
 * watching, waiting, objects at run time, locks, events and administration. The same tests for nodes on threads, on the
 * caller's event loop, and in the caller's ticks.
 */

import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type {
  ReplCounter,
  ReplList,
  ReplLockManager,
  ReplMap,
  ReplQueue,
} from '../../../src/actors/replicated/objects/index.js';
import type { Runtime } from '../../../src/node/runtime.js';
import type { LocalCluster } from '../../../src/testing/local-cluster.js';
import { errorOf } from './support/error-of-copy.js';

type Of<Instance> = (new () => Instance) & { readonly module: string };

export type NodeObjects = {
  readonly hits: Of<ReplCounter>;
  readonly prices: Of<ReplMap<string, number>>;
  readonly steps: Of<ReplList>;
  /** With room for two. */
  readonly jobs: Of<ReplQueue<string>>;
  readonly locks: Of<ReplLockManager>;
};
type Node = Runtime<NodeObjects>;

/**
 * A cluster as it has been started, with `Counter` among its classes, and what is to be done once it has been stopped.
 */
export interface StartedNodes {
  readonly cluster: unknown;
  readonly Counter: unknown;
  readonly end?: () => void;
}

const LOCAL = { consistency: 'local' } as const;
const WAIT = { timeout: 10_000 } as const;
/** More than one who watches may leave unread. */
const TOO_MANY = 70_000;

const inTime = (): AbortSignal => AbortSignal.timeout(WAIT.timeout);

export function describeNodes(how: string, start: () => Promise<StartedNodes>): void {
  describe(`a cluster of three that ${how}`, () => {
    let started: StartedNodes;
    let cluster: LocalCluster<NodeObjects>;
    let Counter: Of<ReplCounter>;
    let a: Node;
    let b: Node;
    let c: Node;

    beforeAll(async () => {
      started = await start();
      cluster = started.cluster as LocalCluster<NodeObjects>;
      Counter = started.Counter as Of<ReplCounter>;
      await cluster.ready();
      [a, b, c] = cluster.nodes as unknown as [Node, Node, Node];
    });

    afterAll(async () => {
      await cluster.stop();
      started.end?.();
    });

    it('has the same objects on all nodes, whichever is told', async () => {
      await Promise.all([a.objects.hits.inc(), b.objects.hits.add(2), c.objects.hits.sub(1)]);
      await a.objects.steps.extend([3, 1, 2]);
      await b.objects.steps.sort();
      await c.objects.prices.update([['tea', 3]]);
      await cluster.converged();

      for (const { objects } of [a, b, c]) {
        expect(await objects.hits.with(LOCAL).get()).toBe(2);
        expect(await objects.steps.with(LOCAL).values()).toEqual([1, 2, 3]);
        expect(await objects.prices.with(LOCAL).entries()).toEqual([['tea', 3]]);
      }
    });

    it('refuses what is no input for an object, the same on each node, and changes nothing', async () => {
      await a.objects.steps.reset([1, 'x']);
      const before = await a.objects.hits.get();
      const refused: [cause: string, call: (node: Node) => Promise<unknown>][] = [
        ['TypeError', ({ objects }) => objects.hits.add('1' as never)],
        ['TypeError', ({ objects }) => objects.prices.set({} as never, 1)],
        ['TypeError', ({ objects }) => objects.steps.sort()],
        ['RangeError', ({ objects }) => objects.steps.set(2, 1)],
        ['RangeError', ({ objects }) => objects.steps.set(-3, 1)],
        ['TypeError', ({ objects }) => objects.jobs.put(undefined as never)],
      ];

      for (const node of [a, b, c]) {
        for (const [name, call] of refused) {
          expect(await errorOf(() => call(node))).toMatchObject({ code: 'ERR_COMMAND_THREW', cause: { name } });
        }
        expect([
          await node.objects.steps.at(9),
          await node.objects.steps.at(-1),
          await node.objects.jobs.take(),
        ]).toEqual([undefined, 'x', undefined]);
      }

      await cluster.converged();
      for (const { objects } of [a, b, c]) {
        expect(await objects.hits.with(LOCAL).get()).toBe(before);
        expect(await objects.steps.with(LOCAL).values()).toEqual([1, 'x']);
      }
    });

    it('tells who watches what another node changes, from the state on, and goes on where it was left', async () => {
      await a.objects.prices.reset([['tea', 1]]);
      expect(await b.objects.prices.get('tea')).toBe(1);
      const changes = b.objects.prices.watch('tea', { read: 'get', signal: inTime() });
      expect((await changes.next()).value).toEqual({ type: 'state', value: 1 });
      await a.objects.prices.set('milk', 9);
      await c.objects.prices.set('tea', 2);
      expect((await changes.next()).value).toEqual({ type: 'set', key: 'tea', value: 2, previous: 1 });
      const { at } = changes;
      await changes.return();

      await a.objects.prices.set('tea', 3);
      await a.objects.prices.clear();
      const later = b.objects.prices.watch('tea', { from: at!, signal: inTime() });

      expect([(await later.next()).value, (await later.next()).value]).toEqual([
        { type: 'set', key: 'tea', value: 3, previous: 2 },
        { type: 'clear' },
      ]);
      await later.return();
    });

    it('ends one who watches and falls behind, and nobody else', async () => {
      const slow = b.objects.hits.watch({ signal: inTime() });
      const quick = c.objects.hits.watch({ signal: inTime() });
      await Promise.all([slow.begun(), quick.begun()]);
      const first = await a.objects.hits.get();
      const read = (async () => {
        let count = 0;
        for await (const change of quick) if (change.value - first === ++count && count === TOO_MANY) return count;
        return undefined;
      })();

      for (let i = 1; i < TOO_MANY; i++) a.objects.hits.tell.inc();
      await a.objects.hits.inc();
      expect(await read).toBe(TOO_MANY);
      // Whatever it is answered from there on comes after all of them.
      await b.objects.hits.get();
      expect(await errorOf(() => slow.next())).toMatchObject({ code: 'ERR_WATCHER_BEHIND', retrySafe: true });
    });

    it('lets callers wait for an item of another node, and for room, and give up', async () => {
      const taking = a.objects.jobs.take({ signal: inTime() });
      await b.objects.jobs.put('sweep');
      expect(await taking).toBe('sweep');

      const enough = new AbortController();
      const givenUp = errorOf(() => c.objects.jobs.take({ signal: enough.signal }));
      await c.objects.jobs.size();
      enough.abort();
      expect(await givenUp).toMatchObject({ code: 'ERR_ABORTED', mayBeApplied: false });

      expect([await a.objects.jobs.put('1'), await a.objects.jobs.put('2'), await a.objects.jobs.put('3')]).toEqual([
        true,
        true,
        false,
      ]);
      const putting = b.objects.jobs.put('3', { signal: inTime() });
      expect(await c.objects.jobs.take()).toBe('1');
      expect(await putting).toBe(true);
      await a.objects.jobs.clear();
    });

    it('makes objects at run time, and drops them', async () => {
      const room = await a.create('room', Counter);
      expect(await errorOf(() => b.create('room', Counter))).toMatchObject({ code: 'ERR_OBJECT_EXISTS' });
      await room.add(4);
      expect(await b.object('room', Counter).inc()).toBe(5);
      await c.drop('room');

      for (const node of [a, b, c]) {
        expect(await errorOf(() => node.object('room', Counter).inc())).toMatchObject({ code: 'ERR_NO_SUCH_OBJECT' });
      }
      expect(await (await b.create('room', Counter)).get()).toBe(0);
      await b.drop('room');
    });

    it('has one holder of a lock', async () => {
      const holders = await Promise.all([a, b, c].map(({ objects }) => objects.locks.tryAcquire('turn')));
      const holder = [a, b, c][holders.indexOf(true)]!;

      expect(holders.filter(Boolean)).toHaveLength(1);
      expect(await holder.objects.locks.isAcquired('turn')).toBe(true);
      await holder.objects.locks.release('turn');
      expect(await c.objects.locks.tryAcquire('turn')).toBe(true);
      await c.objects.locks.release('turn');
    });

    it('hands leadership over, tells all who leads, and goes on', async () => {
      const target = [a, b, c].find((node) => node.status().role !== 'leader')!;
      const { self } = target.status();
      const roles: string[] = [];
      target.on('role', (role) => roles.push(role));

      await a.transferLeadership(self!);

      await vi.waitUntil(() => roles.includes('leader'), WAIT);
      await vi.waitUntil(() => [a, b, c].every((node) => node.status().leader === self), WAIT);
      const before = await b.objects.hits.get();
      expect(await c.objects.hits.inc()).toBe(before + 1);
    });

    it('takes a snapshot when it is told to, and says so', async () => {
      const taken: number[] = [];
      b.on('snapshot', (event) => void (event.type === 'taken' && taken.push(event.index)));
      await b.objects.hits.inc();

      const index = await b.compact();

      await vi.waitUntil(() => taken.length > 0 && b.status().snapshotIndex >= index, WAIT);
      expect(taken).toEqual([index]);
    });

    it('refuses changes that are none, and is as before', async () => {
      const members = a.members.list().map(({ id }) => id);
      const refused: [code: string, change: (node: Node) => Promise<unknown>][] = [
        ['ERR_ALREADY_MEMBER', (node) => node.members.add(members[0]!)],
        ['ERR_NO_SUCH_MEMBER', (node) => node.members.remove('127.0.0.1:1')],
        ['ERR_INVALID_OPTION', (node) => node.members.add('nobody')],
        ['ERR_VERSION_UNSUPPORTED', (node) => node.setCodeVersion(1)],
        ['ERR_INVALID_OPTION', (node) => node.setCodeVersion(-1)],
      ];

      for (const node of [a, b]) {
        for (const [code, change] of refused)
          expect(await errorOf(() => change(node))).toMatchObject({ code, mayBeApplied: false });
        expect(node.members.list().map(({ id }) => id)).toEqual(members);
        expect([node.codeVersion, node.status().health]).toEqual([0, 'ok']);
      }
    });

    it('goes on without one that stops, whose calls end', async () => {
      const changes = c.objects.hits.watch();
      await changes.begun();

      await c.stop();

      expect(c.status().health).toBe('stopped');
      for (const call of [() => changes.next(), () => c.objects.hits.inc(), () => c.compact()])
        expect(await errorOf(call)).toMatchObject({ code: 'ERR_STOPPED' });
      const before = await a.objects.hits.get();
      expect(await b.objects.hits.inc()).toBe(before + 1);
    });
  });
}

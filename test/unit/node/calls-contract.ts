/**
 * What callers of a cluster of three may rely on, wherever its nodes run: the same tests for nodes on threads, on the
 * caller's event loop, and in the caller's ticks.
 */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Runtime } from '../../../src/node/runtime.js';
import type { LocalCluster } from '../../../src/testing/local-cluster.js';
import type { Ledger } from './fixtures/ledger.js';
import { errorOf } from './support/error-of-copy.js';

export type CallObjects = { readonly book: typeof Ledger };

/** A cluster as it has been started, and what is to be done once it has been stopped. */
export interface StartedCluster {
  readonly cluster: LocalCluster<CallObjects>;
  readonly end?: () => void;
}

export function describeCalls(how: string, start: () => Promise<StartedCluster>): void {
  describe(`calls on a cluster of three that ${how}`, () => {
    let started: StartedCluster;
    let cluster: LocalCluster<CallObjects>;
    let leader: Runtime<CallObjects>;
    let follower: Runtime<CallObjects>;

    beforeAll(async () => {
      started = await start();
      cluster = started.cluster;
      await cluster.ready();
      leader = await cluster.leader();
      follower = cluster.nodes.find((node) => node !== leader)!;
    });

    afterAll(async () => {
      await cluster.stop();
      started.end?.();
    });

    const sumOn = (node: Runtime<CallObjects>): Promise<number> =>
      node.objects.book.with({ consistency: 'local' }).sum();

    it.each(['leader', 'follower'] as const)('a command on the %s resolves with its result', async (role) => {
      const { book } = (role === 'leader' ? leader : follower).objects;

      const before = await book.sum();

      await expect(book.add(5)).resolves.toBe(before + 5);
    });

    it.each([
      ['leader', 'linearizable'],
      ['leader', 'lease'],
      ['leader', 'local'],
      ['follower', 'linearizable'],
      ['follower', 'lease'],
      ['follower', 'local'],
    ] as const)('a caller on the %s reads its own writes, %s', async (role, consistency) => {
      const { book } = (role === 'leader' ? leader : follower).objects;

      const result = await book.add(1);

      await expect(book.with({ consistency }).sum()).resolves.toBe(result);
    });

    it.each(['linearizable', 'lease'] as const)(
      'a query that is %s sees what another node has been told',
      async (consistency) => {
        const result = await leader.objects.book.add(1);

        await expect(follower.objects.book.with({ consistency }).sum()).resolves.toBe(result);
      },
    );

    it('a thousand calls of one turn are answered in order', async () => {
      const { book } = follower.objects;
      const first = (await book.sum()) + 1;

      const results = await Promise.all(Array.from({ length: 1000 }, () => book.add(1)));

      expect(results).toEqual(Array.from({ length: 1000 }, (_, i) => first + i));
    });

    it('a command that is told is applied, and nobody waits for it', async () => {
      const { book } = follower.objects;
      const before = await book.sum();

      book.tell.add(10);

      expect(await book.add(1)).toBe(before + 11);
    });

    it('a command that throws rejects with what it threw, and has changed all nodes alike', async () => {
      const before = await leader.objects.book.sum();

      const error = await errorOf(() => follower.objects.book.addAndThrow(3));

      expect(error.data).toEqual({ method: 'book.addAndThrow' });
      expect(error).toMatchObject({ code: 'ERR_COMMAND_THREW', mayBeApplied: true, retrySafe: false });
      expect(error.cause).toBeInstanceOf(RangeError);
      expect(error.cause).toMatchObject({ message: 'refused after adding 3', cause: { message: 'the reason' } });
      await cluster.converged();
      for (const node of cluster.nodes) expect(await sumOn(node)).toBe(before + 3);
    });

    it('a command that throws what cannot even be read is answered all the same', async () => {
      expect(await errorOf(() => follower.objects.book.throwOddError())).toMatchObject({ code: 'ERR_COMMAND_THREW' });
    });

    it('a command that returns a promise has run and rejects', async () => {
      const before = await leader.objects.book.sum();

      const error = await errorOf(() => leader.objects.book.returnPromise());

      expect(error).toMatchObject({ code: 'ERR_ASYNC_COMMAND', mayBeApplied: true });
      expect(await leader.objects.book.sum()).toBe(before + 1);
    });

    it('a command whose result cannot be encoded has run and names the path', async () => {
      const before = await leader.objects.book.sum();

      const error = await errorOf(() => leader.objects.book.returnFunction());

      expect(error).toMatchObject({ code: 'ERR_RESULT_NOT_ENCODABLE', mayBeApplied: true });
      expect(error.data).toMatchObject({ path: 'result.inner[0]', method: 'book.returnFunction' });
      expect(error.message).toContain('book.returnFunction has run');
      expect(await leader.objects.book.sum()).toBe(before + 1);
    });

    it('arguments that cannot be encoded are refused with their path, and nothing is sent', async () => {
      const { book } = leader.objects;

      const error = await errorOf(() => book.swallow({ items: [1, () => 2] }));

      expect(error).toMatchObject({ code: 'ERR_NOT_ENCODABLE', mayBeApplied: false });
      expect(error.data['path']).toBe('args[0].items[1]');
      expect(leader.status()).toMatchObject({ pendingCommands: 0 });
    });

    it('arguments nested as deeply as can be are taken or refused, and spare their neighbours', async () => {
      const { book } = leader.objects;
      const nested = (levels: number): unknown => (levels === 0 ? 0 : [nested(levels - 1)]);

      const calls = [...Array.from({ length: 6 }, (_, i) => book.swallow(nested(59 + i))), book.add(0)];

      const settled = await Promise.allSettled(calls);
      expect(settled.at(-1)).toMatchObject({ status: 'fulfilled' });
      for (const result of settled) {
        if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'ERR_NOT_ENCODABLE' });
      }
      expect(settled[0]!.status).toBe('fulfilled');
      expect(settled.at(-2)!.status).toBe('rejected');
    });

    it('a query that throws has changed nothing, and says so', async () => {
      const error = await errorOf(() => follower.objects.book.fail());

      expect(error).toMatchObject({ code: 'ERR_COMMAND_THREW', mayBeApplied: false, retrySafe: true });
      expect(error.cause).toBeInstanceOf(TypeError);
    });

    it('a query has no context', async () => {
      expect(await errorOf(() => leader.objects.book.contextInQuery())).toMatchObject({
        code: 'ERR_NO_CONTEXT',
        mayBeApplied: false,
      });
    });

    it('a command is told the index of its entry and the time of the leader', async () => {
      const before = Date.now();

      const where = await follower.objects.book.where();

      expect(where.index).toBeGreaterThan(0);
      expect(where.timestampMs).toBeGreaterThanOrEqual(before);
      expect(where.random).toBeGreaterThanOrEqual(0);
      expect(where.random).toBeLessThan(1);
    });

    it('a signal that was aborted before the call keeps it from being made', async () => {
      const { book } = leader.objects;

      const error = await errorOf(() => book.with({ signal: AbortSignal.abort('no') }).add(1));

      expect(error).toMatchObject({ code: 'ERR_ABORTED', mayBeApplied: false, retrySafe: true, cause: 'no' });
      expect(leader.status()).toMatchObject({ pendingCommands: 0 });
    });

    it('a signal that is aborted in the turn of the call keeps the command from running', async () => {
      const { book } = leader.objects;
      const before = await book.sum();
      const controller = new AbortController();

      const told = errorOf(() => book.with({ signal: controller.signal }).add(100));
      controller.abort();

      expect(await told).toMatchObject({ code: 'ERR_ABORTED', mayBeApplied: false });
      expect(await book.add(1)).toBe(before + 1);
    });

    it('many calls share a signal without a warning, and none of them keeps listening', async () => {
      const warnings: Error[] = [];
      const onWarning = (warning: Error): unknown => warnings.push(warning);
      process.on('warning', onWarning);
      const { signal } = new AbortController();
      const book = leader.objects.book.with({ signal });

      await Promise.all(Array.from({ length: 100 }, () => book.add(0)));

      await new Promise((resolve) => setImmediate(resolve));
      process.off('warning', onWarning);
      expect(warnings).toEqual([]);
    });
  });
}

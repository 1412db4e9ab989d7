/**
 * What every back end of conclave/sync must do, told by whoever uses it through `connect`. Times are real; TTLs are
 * short, and what is waited for is a condition, never a moment.
 */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { connect, type Held, type Leader, type Lock, type Sync, type SyncBackend } from '../../../../src/sync/index.js';
import { errorOf } from '../../actors/replicated/error-of.js';

/** Three clients of one back end, as of three processes. */
export interface BackendUnderTest {
  readonly backends: readonly [SyncBackend, SyncBackend, SyncBackend];
  /** Ends the first client without a word: nobody hears of it any more, and it hears of nobody. */
  cutOffFirst(): void;
  /** Somebody asks who leads to step down for the second client. Undefined: nobody can, by this back end. */
  askFor?(election: string): void;
  stop(): Promise<void>;
}

/** What not every back end can promise. */
export type SyncPromise = 'first come, first served' | 'shared locks' | 'semaphores' | 'asks to step down';

const TTL_MS = 15_000;
const SHORT_TTL_MS = 1_000;

/** @param lacking what this back end cannot promise: the titles of its tests say so */
export function testSyncBackend(
  name: string,
  start: () => Promise<BackendUnderTest>,
  lacking: readonly SyncPromise[] = [],
): void {
  const promises = (promise: SyncPromise): boolean => !lacking.includes(promise);

  describe(`${name} as a back end`, () => {
    let tested: BackendUnderTest;
    let a: Sync;
    let b: Sync;
    let c: Sync;

    beforeEach(async () => {
      tested = await start();
      [a, b, c] = (await Promise.all(tested.backends.map((backend) => connect(backend)))) as [Sync, Sync, Sync];
    });

    afterEach(() => tested.stop());

    it('gives a lock to one, and to nobody else until it is released', async () => {
      const held = await a.lock('x').acquire();

      expect(await b.lock('x').tryAcquire()).toBeNull();
      expect(held.held).toBe(true);
      expect(held.expiresInMs).toBeGreaterThan(0);

      await held.release();
      expect(held.held).toBe(false);
      const next = await b.lock('x').tryAcquire();
      expect(next!.token).toBeGreaterThan(held.token);
    });

    it('keeps names apart, and kinds of names', async () => {
      const held = await Promise.all([
        a.lock('x').tryAcquire(),
        b.lock('y').tryAcquire(),
        ...(promises('semaphores') ? [b.semaphore('x', { permits: 1 }).tryAcquire()] : []),
        c.election('x', { id: 'c' }).campaign(),
      ]);

      expect(held.every((each) => each?.held === true)).toBe(true);
    });

    const order = promises('first come, first served')
      ? 'first come first served'
      : 'in whichever order: it does not promise first come, first served';

    it(`gives it to those who wait, ${order}`, async () => {
      const first = await a.lock('x').acquire();
      const served: string[] = [];
      const waiting: Promise<unknown>[] = [];
      const waits = async (sync: Sync, who: string): Promise<void> => {
        const held = await sync.lock('x').acquire();
        served.push(who);
        await held.release();
      };
      for (const [sync, who] of [
        [b, 'b'],
        [c, 'c'],
        [a, 'a'],
      ] as const) {
        waiting.push(waits(sync, who));
        // One who tries is told that it is busy only behind those who were there before.
        await sync.lock('x').tryAcquire();
      }

      await first.release();
      await Promise.all(waiting);

      expect(
        promises('first come, first served') ? served : served.toSorted((x, y) => 'bca'.indexOf(x) - 'bca'.indexOf(y)),
      ).toEqual(['b', 'c', 'a']);
    });

    it(
      promises('shared locks')
        ? 'lets those who share hold together, and one who does not waits for all of them'
        : 'refuses a shared lock: it does not promise them',
      async () => {
        if (!promises('shared locks')) return refuses(a.lock('x', { mode: 'shared' }));
        const shared = await Promise.all([a, b].map((sync) => sync.lock('x', { mode: 'shared' }).acquire()));
        const writing = c.lock('x').acquire();
        await c.lock('x').tryAcquire();

        expect(await a.lock('x', { mode: 'shared' }).tryAcquire()).toBeNull();
        await Promise.all(shared.map((held) => held.release()));

        expect((await writing).token).toBeGreaterThan(shared[0]!.token);
      },
    );

    it(
      promises('semaphores')
        ? 'gives as many permits of a semaphore as there are'
        : 'refuses a semaphore: it does not promise them',
      async () => {
        if (!promises('semaphores')) return refuses(a.semaphore('gpu', { permits: 2 }));
        const permits = await Promise.all([a, b, c].map((sync) => sync.semaphore('gpu', { permits: 2 }).tryAcquire()));

        expect(permits.filter((held) => held !== null)).toHaveLength(2);
        expect((await errorOf(() => a.semaphore('gpu', { permits: 3 }).acquire())).code).toBe('ERR_PERMITS_DIFFER');
      },
    );

    it('gives up the place of one who no longer waits', async () => {
      const first = await a.lock('x').acquire();
      const aborting = new AbortController();
      const aborted = errorOf(() => b.lock('x').acquire({ signal: aborting.signal }));
      const timedOut = errorOf(() => b.lock('x').acquire({ timeoutMs: 50 }));
      await b.lock('x').tryAcquire();
      const last = c.lock('x').acquire();

      aborting.abort();
      const errors = await Promise.all([aborted, timedOut]);
      await first.release();

      expect(errors).toMatchObject([
        { code: 'ERR_ABORTED', mayBeApplied: false, retrySafe: true },
        { code: 'ERR_TIMEOUT', mayBeApplied: false, retrySafe: true },
      ]);
      expect((await last).held).toBe(true);
    });

    it('is held for longer than its TTL while its holder lives', async () => {
      const held = await a.lock('x', { ttlMs: SHORT_TTL_MS }).acquire();

      const refused = await errorOf(() => b.lock('x').acquire({ timeoutMs: 3 * SHORT_TTL_MS }));

      expect(refused.code).toBe('ERR_TIMEOUT');
      expect([held.held, held.signal.aborted]).toEqual([true, false]);
    });

    it('is free after its TTL when its holder has gone without a word, who knew before', async () => {
      const held = await a.lock('x', { ttlMs: SHORT_TTL_MS }).acquire();
      let lostAtMs = Infinity;
      held.once('lost', () => (lostAtMs = performance.now()));
      const next = b.lock('x', { ttlMs: TTL_MS }).acquire();
      await b.lock('x').tryAcquire();

      tested.cutOffFirst();
      const granted = await next;
      const grantedAtMs = performance.now();

      expect(held.held).toBe(false);
      expect(lostAtMs).toBeLessThan(grantedAtMs);
      expect((await held.lost).code).toBe('ERR_LOCK_LOST');
      expect(granted.token).toBeGreaterThan(held.token);
    });

    it('gives everything back at once when its client is closed', async () => {
      const held = await a.lock('x').acquire();
      const next = b.lock('x').acquire();

      await a.close();

      expect((await next).held).toBe(true);
      expect(await held.lost).toMatchObject({ code: 'ERR_LOCK_LOST' });
      expect((await errorOf(() => a.lock('x').acquire())).code).toBe('ERR_STOPPED');
    });

    it('elects one, and tells who observes: in order, and what is proclaimed', async () => {
      const seen: (Leader | null)[] = [];
      const stopping = new AbortController();
      const observing = errorOf(async () => {
        for await (const leader of c.election('boss', { id: 'c' }).observe({ signal: stopping.signal })) {
          seen.push(leader);
          if (leader?.value === 'last') stopping.abort();
        }
      });
      const first = await a.election('boss', { id: 'a', value: 'first' }).campaign();
      const second = b.election('boss', { id: 'b', value: 'next' }).campaign();
      await first.proclaim('changed');

      await first.resign();
      await (await second).proclaim('last');

      expect((await observing).code).toBe('ERR_ABORTED');
      const tokens = seen.flatMap((leader) => (leader === null ? [] : [leader.token]));
      expect(tokens).toEqual(tokens.toSorted((x, y) => Number(x - y)));
      expect(seen.at(-1)).toEqual({ id: 'b', value: 'last', token: (await second).token });
    });

    it('never shows an older leader after a newer one, however quickly they follow each other', async () => {
      const stopping = new AbortController();
      const elected = new Map<bigint, string>();
      const seen: Leader[] = [];
      const observing = errorOf(async () => {
        for await (const leader of c.election('boss', { id: 'c' }).observe({ signal: stopping.signal })) {
          if (leader === null) continue;
          seen.push(leader);
          if (leader.id === 'last') stopping.abort();
        }
      });

      await Promise.all(
        [a, b].map(async (sync, i) => {
          for (let round = 0; round < 10; round++) {
            const leading = await sync.election('boss', { id: `${i}` }).campaign();
            elected.set(leading.token, `${i}`);
            await leading.resign();
          }
        }),
      );
      const last = await a.election('boss', { id: 'last' }).campaign();
      elected.set(last.token, 'last');

      expect((await observing).code).toBe('ERR_ABORTED');
      expect(elected.size).toBe(21);
      for (const { token, id } of seen) expect(elected.get(token)).toBe(id);
      const tokens = seen.map(({ token }) => token);
      expect(tokens).toEqual([...new Set(tokens)].toSorted((x, y) => Number(x - y)));
    });

    it('elects the next one only once the function of one who is told to end has settled', async () => {
      const stopping = new AbortController();
      const work = gate();
      const leads = gate();
      const log: string[] = [];
      const running = a.election('boss', { id: 'a' }).run(
        async () => {
          leads.open();
          await work.opened;
          log.push('a is done');
        },
        { signal: stopping.signal },
      );
      await leads.opened;
      const next = b
        .election('boss', { id: 'b' })
        .campaign()
        .then(() => log.push('b leads'));

      stopping.abort();
      // By then one who had been told too early would lead.
      for (let round = 0; round < 10; round++) await c.lock('round').withLock(() => {});
      work.open();
      await Promise.all([running, next]);

      expect(log).toEqual(['a is done', 'b leads']);
    });

    it(
      promises('asks to step down')
        ? 'steps down for one who is asked for, once its function has settled'
        : 'has nobody step down for another one: it has no way to ask',
      async () => {
        if (!promises('asks to step down')) return expect(tested.askFor).toBeUndefined();
        const options = { ttlMs: SHORT_TTL_MS };
        const stopping = new AbortController();
        const log: string[] = [];
        const leads = gate();
        const running = a.election('boss', { id: 'a', ...options }).run(
          async (term) => {
            leads.open();
            await new Promise((resolve) => term.signal.addEventListener('abort', resolve, { once: true }));
            for (let round = 0; round < 10; round++) await c.lock('round').withLock(() => {});
            log.push(term.held ? 'a is done while it leads' : 'a has lost');
          },
          { signal: stopping.signal },
        );
        await leads.opened;
        const next = b
          .election('boss', { id: 'b', ...options })
          .campaign()
          .then(() => log.push('b leads'));

        tested.askFor!('boss');
        await next;
        stopping.abort();
        await running;

        expect(log).toEqual(['a is done while it leads', 'b leads']);
      },
    );

    it('gives many names to many, each to one at a time, with tokens that grow', async () => {
      const names = ['p', 'q', 'r', 's'];
      const holders = new Map<string, Held>();
      const last = new Map<string, bigint>();
      const work = [a, b, c].flatMap((sync) =>
        names.map(async (lockName) => {
          for (let round = 0; round < 5; round++) {
            await sync.lock(lockName).withLock(async (held) => {
              expect(holders.get(lockName)).toBeUndefined();
              expect(held.token).toBeGreaterThan(last.get(lockName) ?? 0n);
              holders.set(lockName, held);
              last.set(lockName, held.token);
              await sync.lock(`${lockName} busy`).tryAcquire();
              holders.delete(lockName);
            });
          }
        }),
      );

      await Promise.all(work);

      expect(last.size).toBe(names.length);
    });
  });
}

/** What some wait for, and another one lets happen. */
function gate(): { readonly opened: Promise<void>; readonly open: () => void } {
  let open: () => void = () => {};
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open };
}

async function refuses(lock: Lock): Promise<void> {
  expect(await errorOf(() => lock.acquire())).toMatchObject({ mayBeApplied: false });
}

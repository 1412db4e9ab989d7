/** Locks and elections in Metaparticle's shape. */

import { once } from 'node:events';
import { beforeEach, describe, expect, it } from 'vitest';
import { connect, memory, type SyncBackend } from '../../../src/sync/index.js';
import { Election, Lock } from '../../../src/sync/metaparticle/index.js';
import { errorOf } from '../actors/replicated/error-of.js';
import { CutOffBackend } from './support/cut-off-backend.js';
import { ManualTime, settled } from './support/manual-time.js';

const TTL_MS = 1_000;

let time: ManualTime;
let shared: SyncBackend;
let connection: CutOffBackend;

beforeEach(() => {
  time = new ManualTime();
  const backend = memory(time);
  shared = backend;
  connection = new CutOffBackend(backend);
});

describe("Metaparticle's lock", () => {
  it('is acquired by one, and by the next one when that has released it', async () => {
    const [mine, theirs] = [new Lock('x', { connection }), new Lock('x', { connection: shared })];
    await mine.acquire();
    expect([mine.isHeld, theirs.isHeld, await theirs.tryAcquire()]).toEqual([true, false, false]);
    const token = mine.token!;

    await mine.release();

    expect([mine.isHeld, mine.token, await theirs.tryAcquire()]).toEqual([false, null, true]);
    expect(theirs.token).toBeGreaterThan(token);
  });

  it('is the lock of that name of conclave/sync', async () => {
    await new Lock('x', { connection }).acquire();

    expect(await (await connect(shared)).lock('x').tryAcquire()).toBeNull();
  });

  it('is not reentrant, and says so rather than wait for itself', async () => {
    const lock = new Lock('x', { connection });
    await lock.acquire();

    expect((await errorOf(() => lock.acquire())).code).toBe('ERR_INVALID_OPTION');
    expect((await errorOf(() => lock.tryAcquire())).code).toBe('ERR_INVALID_OPTION');
  });

  it('can be acquired again once it was released', async () => {
    const lock = new Lock('x', { connection });
    await lock.acquire();
    await lock.release();

    await lock.acquire();

    expect(lock.isHeld).toBe(true);
  });

  it('cannot be released by one who does not hold it', async () => {
    expect((await errorOf(() => new Lock('x', { connection }).release())).code).toBe('ERR_LOCK_LOST');
  });

  it('tells of a loss, and can be acquired again', async () => {
    const told: string[] = [];
    const lock = new Lock('x', { connection, ttlMs: TTL_MS, onLost: ({ code }) => told.push(code) });
    await lock.acquire();
    connection.isCutOff = true;

    await time.pass(2 * TTL_MS);
    connection.isCutOff = false;
    await time.pass(TTL_MS);
    await lock.acquire();

    expect([told, lock.isHeld]).toEqual([['ERR_LOCK_LOST'], true]);
  });

  it('is one of as many as one likes: those of a back end share a session, of which a sidecar lets a process have some', async () => {
    let sessions = 0;
    const counted: SyncBackend = {
      timekeeper: time,
      observe: (...observed) => shared.observe(...observed),
      openSession: (ttlMs, listener) => {
        sessions++;
        return shared.openSession(ttlMs, listener);
      },
    };
    const locks = Array.from({ length: 200 }, (_, i) => new Lock(`x${i}`, { connection: counted }));

    await Promise.all(locks.map((lock) => lock.acquire()));

    expect([locks.every((lock) => lock.isHeld), sessions]).toEqual([true, 1]);
  });

  it('tells of a loss that comes with the grant, before whoever has waited has a turn', async () => {
    const told: string[] = [];
    const loses: SyncBackend = {
      timekeeper: time,
      observe: (...observed) => shared.observe(...observed),
      openSession: async (ttlMs, listener) => {
        const session = await shared.openSession(ttlMs, listener);
        return {
          renew: () => session.renew(),
          claim: async (request) => {
            queueMicrotask(() => {
              listener.granted(request, 1n);
              listener.ended();
            });
            return 'waiting';
          },
          giveUp: (request) => session.giveUp(request),
          proclaim: (request, value) => session.proclaim(request, value),
          close: () => session.close(),
        };
      },
    };
    const lock = new Lock('x', { connection: loses, onLost: ({ code }) => told.push(code) });

    await lock.acquire();
    await settled();

    expect([lock.isHeld, told]).toEqual([false, ['ERR_LOCK_LOST']]);
  });

  it.each([
    [{ connection: 'ftp://x' }, 'url'],
    [{ connection: {} }, 'connection'],
    [{ ttlMs: 1 }, 'ttlMs'],
    [{ onLost: 7 }, 'onLost'],
    [{ baseUrl: 'http://x' }, 'baseUrl'],
  ])('refuses %j', async (options, option) => {
    expect(await errorOf(() => new Lock('x', options as never))).toMatchObject({
      code: 'ERR_INVALID_OPTION',
      data: { option },
    });
  });
});

describe("Metaparticle's election", () => {
  it('leads until it is shut down, although its function has returned', async () => {
    const told: string[] = [];
    const election = new Election(
      'boss',
      () => told.push('elected'),
      () => told.push('lost'),
      { connection },
    );
    const running = election.run();
    await time.pass(60_000);
    expect(told).toEqual(['elected']);

    await election.shutdown();
    await running;

    expect(told).toEqual(['elected', 'lost']);
  });

  it('does not resign before its functions have settled', async () => {
    const told: string[] = [];
    let finish: () => void = () => {};
    const hold = new Promise<void>((resolve) => (finish = resolve));
    const first = new Election(
      'boss',
      () => hold.then(() => told.push('done')),
      () => {},
      { connection },
    );
    const second = new Election(
      'boss',
      () => told.push('next'),
      () => {},
      { connection: shared },
    );
    const running = first.run();
    await settled();
    void second.run();
    await settled();

    const stopped = first.shutdown();
    await settled();
    expect(told).toEqual([]);
    finish();
    await Promise.all([stopped, running]);
    await settled();

    expect(told).toEqual(['done', 'next']);
    await second.shutdown();
  });

  it('does not resign while one function is at work, although the other one has failed', async () => {
    const told: string[] = [];
    let finish: () => void = () => {};
    const hold = new Promise<void>((resolve) => (finish = resolve));
    const failed = new Error('no');
    const first = new Election(
      'boss',
      () => hold.then(() => told.push('done')),
      () => {
        throw failed;
      },
      { connection },
    );
    const ended = first.run().catch((error: unknown) => error);
    await settled();
    const second = (await connect(shared)).election('boss', { id: 'next' });
    const next = second.campaign().then(() => told.push('next'));

    const stopped = first.shutdown();
    await settled();
    expect(told).toEqual([]);
    finish();
    await Promise.all([stopped, next]);

    expect([told, await ended]).toEqual([['done', 'next'], failed]);
  });

  it('tells of a loss, and leads again', async () => {
    const told: string[] = [];
    const election = new Election(
      'boss',
      async ({ signal }) => {
        told.push('elected');
        if (!signal.aborted) await once(signal, 'abort');
      },
      () => told.push('lost'),
      { connection, ttlMs: TTL_MS },
    );
    const running = election.run();
    await settled();
    connection.isCutOff = true;
    await time.pass(2 * TTL_MS);

    connection.isCutOff = false;
    await time.pass(3 * TTL_MS);

    expect(told).toEqual(['elected', 'lost', 'elected']);
    await election.shutdown();
    await running;
  });

  it('ends with what its function throws, and leaves leadership to the next one', async () => {
    const failed = new Error('no');
    const first = new Election(
      'boss',
      () => Promise.reject(failed),
      () => {},
      { connection },
    );
    const second = await connect(shared);

    await expect(first.run()).rejects.toBe(failed);

    expect((await second.election('boss', { id: 'next' }).campaign()).held).toBe(true);
  });

  it('can be shut down before it runs, and run twice', async () => {
    const election = new Election(
      'boss',
      () => {},
      () => {},
      { connection },
    );
    await election.shutdown();

    expect(election.run()).toBe(election.run());

    await election.shutdown();
  });
});

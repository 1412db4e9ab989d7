/** What is held, renewed, lost and given back: with time that the test owns, and a back end that can be cut off. */

import { beforeEach, describe, expect, it } from 'vitest';
import { ConclaveError } from '../../../src/errors.js';
import { connect, memory, type Held, type Sync } from '../../../src/sync/index.js';
import { errorOf } from '../actors/replicated/error-of.js';
import { CutOffBackend } from './support/cut-off-backend.js';
import { ForgetfulBackend } from './support/forgetful-backend.js';
import { ManualTime, settled } from './support/manual-time.js';

const TTL_MS = 1_000;

describe('who holds a lock', () => {
  let time: ManualTime;
  let backend: CutOffBackend;
  let sync: Sync;
  let other: Sync;

  beforeEach(async () => {
    time = new ManualTime();
    const shared = memory(time);
    backend = new CutOffBackend(shared);
    sync = await connect(backend);
    other = await connect(shared);
  });

  function acquire(): Promise<Held> {
    return sync.lock('x', { ttlMs: TTL_MS }).acquire();
  }

  /** What it is told, in order. */
  function heard(held: Held): string[] {
    const told: string[] = [];
    held.on('lost', () => told.push('event'));
    held.signal.addEventListener('abort', () => told.push('signal'));
    void held.lost.then(() => told.push('promise'));
    return told;
  }

  it('is told at once that the connection is closed while its session is being opened, which is closed when it is', async () => {
    let open: () => void = () => {};
    backend.heldBack.open = new Promise((resolve) => (open = resolve));
    const acquired = errorOf(acquire);
    await settled();

    const closed = sync.close();

    expect(await acquired).toMatchObject({ code: 'ERR_STOPPED', mayBeApplied: false });
    open();
    await closed;
    expect(await other.lock('x').tryAcquire()).not.toBeNull();
  });

  it('holds on while the session is renewed', async () => {
    const held = await acquire();

    await time.pass(20 * TTL_MS);

    expect([held.held, held.signal.aborted, await other.lock('x').tryAcquire()]).toEqual([true, false, null]);
  });

  it('knows that it does not hold by the clock, before any timer has fired', async () => {
    const held = await acquire();

    time.stall(0.9 * TTL_MS);

    expect([held.held, held.expiresInMs]).toEqual([false, 0]);
  });

  it('has lost what it held when the machine was suspended for too long', async () => {
    const held = await acquire();

    time.suspend(TTL_MS);

    expect(held.held).toBe(false);
    expect((await held.lost).code).toBe('ERR_LOCK_LOST');
  });

  it('has lost it after having been suspended, also if nobody has looked and the session has lived on', async () => {
    const held = await acquire();
    const told = heard(held);

    time.suspend(TTL_MS);
    await time.pass(TTL_MS / 2);

    expect(told).toContain('event');
    expect(await other.lock('x').tryAcquire()).not.toBeNull();
  });

  it('is told of a loss exactly once, by event, signal and promise', async () => {
    const held = await acquire();
    const told = heard(held);
    backend.isCutOff = true;

    await time.pass(5 * TTL_MS);
    expect(held.held).toBe(false);
    backend.isCutOff = false;
    await time.pass(5 * TTL_MS);

    expect(told.toSorted()).toEqual(['event', 'promise', 'signal']);
    expect(held.signal.reason).toMatchObject({ code: 'ERR_LOCK_LOST', data: { reason: 'not renewed' } });
  });

  it('is told of a loss also where it begins to listen only then', async () => {
    const held = await acquire();
    const told: string[] = [];
    held.on('lost', () => told.push('before'));
    backend.isCutOff = true;
    await time.pass(TTL_MS);

    held.on('lost', ({ code }) => told.push(code));
    held.once('lost', ({ code }) => told.push(code));
    await settled();

    expect(told).toEqual(['before', 'ERR_LOCK_LOST', 'ERR_LOCK_LOST']);
  });

  it('learns of a loss also where rounding puts the end of the lease a trifle behind its timer', async () => {
    // The next double after 4,000: to it and 4,900, the same sums are rounded to different sides.
    const odd = new ManualTime(4_000 + 2 ** -41);
    const clock = { nowMs: () => odd.clock.nowMs(), wallMs: () => 0 };
    const alone = new CutOffBackend(memory({ clock, after: (delayMs, run) => odd.after(delayMs, run) }));
    const held = await (await connect(alone)).lock('x', { ttlMs: TTL_MS }).acquire();
    const told = heard(held);
    alone.isCutOff = true;

    await odd.pass(2 * TTL_MS);

    expect(told).toContain('event');
  });

  it('gives up before the next one is granted', async () => {
    const held = await acquire();
    let wasHeld: boolean | null = null;
    const next = other
      .lock('x', { ttlMs: TTL_MS })
      .acquire()
      .then((granted) => {
        wasHeld = held.held;
        return granted;
      });
    backend.isCutOff = true;

    await time.pass(2 * TTL_MS);

    expect(wasHeld).toBe(false);
    expect((await next).token).toBeGreaterThan(held.token);
  });

  it('stays lost when the session turns out to have lived on, and what it had is given up', async () => {
    const held = await acquire();
    backend.isCutOff = true;
    // Too late for the holder, not yet for the keeper.
    await time.pass(0.95 * TTL_MS);
    backend.isCutOff = false;

    await time.pass(0.2 * TTL_MS);

    expect(held.held).toBe(false);
    expect(await other.lock('x').tryAcquire()).not.toBeNull();
  });

  it('leaves nothing behind in a session that lives on for what it waits for', async () => {
    const busy = await other.lock('y', { ttlMs: 60_000 }).acquire();
    await acquire();
    const waiting = sync.lock('y', { ttlMs: TTL_MS }).acquire();
    await time.pass(0.4 * TTL_MS);
    backend.isCutOff = true;
    await time.pass(0.85 * TTL_MS);
    backend.isCutOff = false;

    await time.pass(5 * TTL_MS);

    expect(await other.lock('x').tryAcquire()).not.toBeNull();
    await busy.release();
    await time.pass(1);
    expect((await waiting).held).toBe(true);
  });

  it('is told nothing by releasing, however often', async () => {
    const held = await acquire();
    const told = heard(held);

    await Promise.all([held.release(), held.release()]);
    expect(held.held).toBe(false);
    await held.release();
    await time.pass(5 * TTL_MS);

    expect(told).toEqual([]);
  });

  it('has released by its TTL, whether or not somebody can be told', async () => {
    const held = await acquire();
    backend.isCutOff = true;

    const releasing = held.release();
    await time.pass(TTL_MS);
    await releasing;

    await time.pass(TTL_MS);
    expect(await other.lock('x').tryAcquire()).not.toBeNull();
  });

  it('has released within seconds after it could not be told, however long its TTL is', async () => {
    const held = await sync.lock('x', { ttlMs: 86_400_000 }).acquire();
    backend.isCutOff = true;
    const releasing = held.release();
    await time.pass(TTL_MS);
    backend.isCutOff = false;

    await time.pass(10_000);
    await releasing;

    expect(await other.lock('x').tryAcquire()).not.toBeNull();
  });

  it('does not stand in its own way with what it could not give back', async () => {
    const held = await acquire();
    backend.isCutOff = true;
    const releasing = held.release();
    await time.pass(0.95 * TTL_MS);
    backend.isCutOff = false;

    const again = acquire();
    await time.pass(TTL_MS);

    expect((await again).token).toBeGreaterThan(held.token);
    await releasing;
  });

  it('holds anew after its session has ended while it was idle', async () => {
    await (await acquire()).release();

    await time.pass(10 * TTL_MS);
    const held = await acquire();

    expect(held.expiresInMs).toBe(0.9 * TTL_MS);
  });

  it('is told that it holds only as long as it can', async () => {
    await (await acquire()).release();
    time.stall(0.95 * TTL_MS);

    const held = await acquire();

    expect(held.expiresInMs).toBe(0.9 * TTL_MS);
  });

  it('is not told that it holds before the session is known to last', async () => {
    await (await acquire()).release();
    time.stall(0.95 * TTL_MS);
    let answer: () => void = () => {};
    backend.heldBack.renew = new Promise((resolve) => (answer = resolve));
    let isGranted = false;
    const acquiring = acquire().finally(() => (isGranted = true));

    await settled();
    expect(isGranted).toBe(false);
    answer();

    expect((await acquiring).held).toBe(true);
  });

  it('takes another session when it is told that there is none', async () => {
    const forgetful = new ForgetfulBackend(memory(time), 1);

    const held = await (await connect(forgetful)).lock('x').acquire();

    expect([held.held, forgetful.opened]).toEqual([true, 2]);
  });

  it('lets time pass between sessions that end as they begin, and is told when its own is over', async () => {
    const forgetful = new ForgetfulBackend(memory(time), Infinity);
    const waiting = errorOf(async () => (await connect(forgetful)).lock('x').acquire({ timeoutMs: TTL_MS }));

    await time.pass(TTL_MS);

    expect((await waiting).code).toBe('ERR_TIMEOUT');
    expect(forgetful.opened).toBeLessThanOrEqual(2 + TTL_MS / 100);
  });

  it('gives back what was granted to one who no longer waits', async () => {
    await (await acquire()).release();
    let answer: () => void = () => {};
    backend.heldBack.claim = new Promise((resolve) => (answer = resolve));
    const aborting = new AbortController();
    const acquiring = errorOf(() => sync.lock('x', { ttlMs: TTL_MS }).acquire({ signal: aborting.signal }));
    await settled();

    aborting.abort(new Error('enough'));
    expect(await acquiring).toMatchObject({ code: 'ERR_ABORTED', mayBeApplied: false, retrySafe: true });
    answer();
    await settled();

    expect(await other.lock('x').tryAcquire()).not.toBeNull();
  });

  it('holds nothing of a claim whose answer never came', async () => {
    await (await acquire()).release();
    let answer: () => void = () => {};
    backend.heldBack.claim = new Promise((resolve) => (answer = resolve));
    const acquiring = errorOf(() => acquire());
    await settled();
    backend.isCutOff = true;
    answer();
    expect((await acquiring).code).toBe('ERR_NO_LEADER');
    expect(await other.lock('x').tryAcquire()).toBeNull();

    backend.isCutOff = false;
    await time.pass(0.2 * TTL_MS);

    expect(await other.lock('x').tryAcquire()).not.toBeNull();
  });

  it('queues again when its session has ended while it waited', async () => {
    const first = await other.lock('x', { ttlMs: 60_000 }).acquire();
    const waiting = acquire();
    await settled();
    backend.isCutOff = true;
    await time.pass(3 * TTL_MS);
    backend.isCutOff = false;
    await time.pass(TTL_MS);

    await first.release();
    await time.pass(1);

    expect((await waiting).held).toBe(true);
  });

  it('is not let go of by the signal of its call once it holds', async () => {
    const aborting = new AbortController();
    const held = await sync.lock('x', { ttlMs: TTL_MS }).acquire({ signal: aborting.signal, timeoutMs: 10 });

    aborting.abort();
    await time.pass(100);

    expect([held.held, held.signal.aborted]).toEqual([true, false]);
  });

  it('holds for as long as its work takes, and releases when that has failed', async () => {
    const failure = new Error('no luck');
    let finish: () => void = () => {};
    const working = sync
      .lock('x', { ttlMs: TTL_MS })
      .withLock(() => new Promise((_, reject) => (finish = () => reject(failure))));
    const failed = working.catch((error: unknown) => error);
    await time.pass(5 * TTL_MS);
    expect(await other.lock('x').tryAcquire()).toBeNull();

    finish();

    expect(await failed).toBe(failure);
    expect(await other.lock('x').tryAcquire()).not.toBeNull();
  });

  it('is released at the end of a block', async () => {
    {
      await using held = await acquire();
      expect(held.held).toBe(true);
    }

    expect(await other.lock('x').tryAcquire()).not.toBeNull();
  });
});

describe('what is asked for', () => {
  const bad: [string, (sync: Sync) => unknown][] = [
    ['a TTL below the floor', (sync) => sync.lock('x', { ttlMs: 99 })],
    ['a TTL that is none', (sync) => sync.lock('x', { ttlMs: Number.NaN })],
    ['a mode that is none', (sync) => sync.lock('x', { mode: 'read' as never })],
    ['an option that is none', (sync) => sync.lock('x', { ttl: 5 } as never)],
    ['a name that is none', (sync) => sync.lock(5 as never)],
    ['a name that is too long', (sync) => sync.lock('ä'.repeat(257))],
    ['negative permits', (sync) => sync.semaphore('x', { permits: -1 })],
    ['no permits', (sync) => sync.semaphore('x', { permits: 0 })],
    ['nobody to be elected', (sync) => sync.election('x', { id: '' })],
    ['a signal that is none', (sync) => sync.lock('x').acquire({ signal: 'now' as never })],
    ['a timeout that is none', (sync) => sync.lock('x').tryAcquire({ timeoutMs: -1 })],
    ['work that is none', (sync) => sync.lock('x').withLock(undefined as never)],
    ['a signal where options are asked for', (sync) => sync.lock('x').acquire(AbortSignal.abort() as never)],
    ['a function that is none', (sync) => sync.election('x', { id: 'a' }).run(undefined as never)],
  ];

  it.each(bad)('is refused: %s', async (_, ask) => {
    const sync = await connect(memory(new ManualTime()));

    const error = await errorOf(async () => ask(sync));

    expect(error).toBeInstanceOf(ConclaveError);
    expect(error.code).toBe('ERR_INVALID_OPTION');
  });

  it('says which options there are where none are given', async () => {
    const sync = await connect(memory(new ManualTime()));

    const error = await errorOf(async () => sync.election('x', undefined as never));

    expect(error.message).toBe('options must be an object, of id, value, ttlMs.');
  });

  it.each([
    ['nothing', undefined],
    ['a runtime', { attendants: () => new Map() }],
  ])('is not had by %s instead of a back end', async (_, backend) => {
    const error = await errorOf(() => connect(backend as never));

    expect(error.code).toBe('ERR_INVALID_OPTION');
    expect(error.message).toContain('backend must be a back end, as in raft(runtime) or memory()');
  });

  it('may be named by anything of up to 512 bytes', async () => {
    const sync = await connect(memory(new ManualTime()));
    const names = ['', '/', '\0', 'ä'.repeat(256)];

    const held = await Promise.all(names.map((name) => sync.lock(name).tryAcquire()));

    expect(held.every((each) => each?.held === true)).toBe(true);
  });

  it('is refused where there are too many sessions of one client', async () => {
    const sync = await connect(memory(new ManualTime()));
    for (let i = 0; i < 100; i++) await sync.lock(`x${i}`, { ttlMs: 1_000 + i }).tryAcquire();

    expect((await errorOf(() => sync.lock('y', { ttlMs: 9_999 }).tryAcquire())).code).toBe('ERR_QUEUE_FULL');
  });
});

/** Elections, with time that the test owns: leading, losing, ending in order. */

import { beforeEach, describe, expect, it } from 'vitest';
import { connect, memory, type Election, type Leader, type Sync, type Term } from '../../../src/sync/index.js';
import { errorOf } from '../actors/replicated/error-of.js';
import { CutOffBackend } from './support/cut-off-backend.js';
import { ManualTime, settled } from './support/manual-time.js';

const TTL_MS = 1_000;

describe('run', () => {
  let time: ManualTime;
  let backend: CutOffBackend;
  let mine: Election;
  let theirs: Election;

  beforeEach(async () => {
    time = new ManualTime();
    const shared = memory(time);
    backend = new CutOffBackend(shared);
    const election = (sync: Sync, id: string): Election => sync.election('boss', { id, value: id, ttlMs: TTL_MS });
    mine = election(await connect(backend), 'mine');
    theirs = election(await connect(shared), 'theirs');
  });

  /** Until the signal is aborted, and as long as `work` takes after it. */
  async function untilAborted(term: Term, work: Promise<void> = Promise.resolve()): Promise<void> {
    await new Promise<void>((resolve) => term.signal.addEventListener('abort', () => resolve(), { once: true }));
    await work;
  }

  it('ends at once when its signal is aborted while it waits to campaign again', async () => {
    const stopping = new AbortController();
    backend.isCutOff = true;
    let hasEnded = false;
    void mine.run(() => {}, { signal: stopping.signal }).then(() => (hasEnded = true));
    await settled();

    stopping.abort();
    await settled();

    expect(hasEnded).toBe(true);
  });

  it('campaigns again after a loss, once its function has settled', async () => {
    const terms: Term[] = [];
    let finish: () => void = () => {};
    const work = new Promise<void>((resolve) => (finish = resolve));
    const stopping = new AbortController();
    const running = mine.run(
      (term) => {
        terms.push(term);
        return untilAborted(term, terms.length === 1 ? work : undefined);
      },
      { signal: stopping.signal },
    );
    await settled();
    backend.isCutOff = true;
    await time.pass(3 * TTL_MS);
    backend.isCutOff = false;
    await time.pass(3 * TTL_MS);
    expect(terms).toHaveLength(1);
    expect([terms[0]!.held, terms[0]!.signal.aborted]).toEqual([false, true]);

    finish();
    await time.pass(TTL_MS);

    expect(terms).toHaveLength(2);
    expect(terms[1]!.token).toBeGreaterThan(terms[0]!.token);
    expect(terms[1]!.held).toBe(true);
    stopping.abort();
    await running;
  });

  it('ends in order: leadership goes on only after the function has settled', async () => {
    const stopping = new AbortController();
    let finish: () => void = () => {};
    const work = new Promise<void>((resolve) => (finish = resolve));
    const running = mine.run((term) => untilAborted(term, work), { signal: stopping.signal });
    await settled();
    let isElected = false;
    const next = theirs.campaign().then((leading) => {
      isElected = true;
      return leading;
    });

    stopping.abort();
    await time.pass(5 * TTL_MS);
    expect(isElected).toBe(false);

    finish();
    await running;
    expect((await next).held).toBe(true);
  });

  it('ends while it waits, with nothing left behind', async () => {
    const leading = await theirs.campaign();
    const stopping = new AbortController();
    const running = mine.run(() => Promise.reject(new Error('never')), { signal: stopping.signal });
    await settled();

    stopping.abort();
    await running;
    await leading.resign();

    expect((await theirs.campaign()).held).toBe(true);
  });

  it('resigns when its function returns, or throws, which it passes on', async () => {
    await mine.run(() => 'done');
    const failing = mine.run(() => Promise.reject(new RangeError('bad')));

    await expect(failing).rejects.toThrow(new RangeError('bad'));
    expect((await theirs.campaign()).held).toBe(true);
  });

  it('is over only once leadership has been given up', async () => {
    let answer: () => void = () => {};
    backend.heldBack.giveUp = new Promise((resolve) => (answer = resolve));
    let isOver = false;
    const running = mine.run(() => {}).finally(() => (isOver = true));

    await settled();
    expect(isOver).toBe(false);
    answer();

    expect(await running).toBeUndefined();
  });

  it('takes what the abort of its signal makes the function throw for its end', async () => {
    const stopping = new AbortController();
    const running = mine.run(
      async (term) => {
        await untilAborted(term);
        term.signal.throwIfAborted();
      },
      { signal: stopping.signal },
    );
    await settled();

    stopping.abort();

    expect(await running).toBeUndefined();
  });

  it('goes on campaigning while the back end cannot be reached', async () => {
    backend.isCutOff = true;
    const stopping = new AbortController();
    let terms = 0;
    const running = mine.run(
      (term) => {
        terms++;
        return untilAborted(term);
      },
      { signal: stopping.signal },
    );
    await time.pass(3 * TTL_MS);
    backend.isCutOff = false;

    await time.pass(TTL_MS);

    expect(terms).toBe(1);
    stopping.abort();
    await running;
  });

  it('campaigns again soon when it can, however long its TTL is', async () => {
    backend.isCutOff = true;
    const stopping = new AbortController();
    const patient = (await connect(backend)).election('boss', { id: 'patient', ttlMs: 24 * 3_600_000 });
    let terms = 0;
    const running = patient.run(
      (term) => {
        terms++;
        return untilAborted(term);
      },
      { signal: stopping.signal },
    );
    await settled();
    backend.isCutOff = false;

    await time.pass(5_000);

    expect(terms).toBe(1);
    stopping.abort();
    await running;
  });

  it('refuses to proclaim what nobody leads any more to say', async () => {
    const leading = await mine.campaign();
    await leading.resign();

    expect((await errorOf(() => leading.proclaim('late'))).code).toBe('ERR_LOCK_LOST');
  });
});

describe('one who observes', () => {
  it('is told the latest, however slowly it reads, and never an older leader', async () => {
    const time = new ManualTime();
    let tell: (leader: { token: bigint; value: unknown } | null) => void = () => {};
    const backend = memory(time);
    const sync = await connect({
      timekeeper: time,
      openSession: (ttlMs, listener) => backend.openSession(ttlMs, listener),
      observe: (_name, onHolder) => {
        tell = onHolder;
        return () => {};
      },
    });
    const feed = sync.election('boss', { id: 'me' }).observe();
    const holder = (token: bigint, value = 'v'): { token: bigint; value: unknown } => {
      return { token, value: { id: `leader ${token}`, value } };
    };
    const read = async (): Promise<Leader | null | undefined> => (await feed.next()).value;

    tell(null);
    expect(await read()).toBeNull();
    tell(holder(3n));
    tell(null);
    tell(holder(5n));
    expect(await read()).toEqual({ id: 'leader 5', value: 'v', token: 5n });
    tell(holder(4n));
    tell(holder(5n));
    const next = read();
    tell(holder(5n, 'new'));
    expect(await next).toEqual({ id: 'leader 5', value: 'new', token: 5n });

    await feed.return!();
    expect(await feed.next()).toEqual({ done: true, value: undefined });
  });

  it('is told when the connection is closed, and told nothing else after it', async () => {
    const sync = await connect(memory(new ManualTime()));
    const election = sync.election('boss', { id: 'me' });
    const feed = election.observe();
    await feed.next();
    const next = errorOf(() => feed.next());

    await sync.close();

    expect((await next).code).toBe('ERR_STOPPED');
    expect(await feed.next()).toEqual({ done: true, value: undefined });
    expect((await errorOf(() => election.observe().next())).code).toBe('ERR_STOPPED');
  });

  it('is told so when its signal was aborted before it began, and leaves nothing behind', async () => {
    const backend = memory(new ManualTime());
    let observed = 0;
    const sync = await connect({
      timekeeper: backend.timekeeper,
      openSession: (ttlMs, listener) => backend.openSession(ttlMs, listener),
      observe: (...told) => {
        const stop = backend.observe(...told);
        observed++;
        return () => {
          observed--;
          stop();
        };
      },
    });
    const feed = sync.election('boss', { id: 'me' }).observe({ signal: AbortSignal.abort() });

    expect((await errorOf(() => feed.next())).code).toBe('ERR_ABORTED');
    expect(await feed.next()).toEqual({ done: true, value: undefined });
    expect(observed).toBe(0);
  });
});

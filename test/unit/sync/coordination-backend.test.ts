/** What a back end makes of a session when it cannot be heard what becomes of it. */

import { beforeEach, describe, expect, it } from 'vitest';
import { ConclaveError } from '../../../src/errors.js';
import type { CoordinationAccess } from '../../../src/sync/coordination-access.js';
import { CoordinationBackend } from '../../../src/sync/coordination-backend.js';
import { connect, type SessionListener, type Sync } from '../../../src/sync/index.js';
import { LocalCoordination } from '../../../src/sync/local-coordination.js';
import { errorOf } from '../actors/replicated/error-of.js';
import { ManualTime, settled } from './support/manual-time.js';

/** A coordination of which nothing is heard once there are too many watches. */
class Unheard implements CoordinationAccess {
  readonly timekeeper: ManualTime;
  opened = 0;
  isFull = false;
  readonly #coordination: LocalCoordination;
  readonly #onEnd = new Set<(error: unknown) => void>();

  constructor(coordination: LocalCoordination, time: ManualTime) {
    this.#coordination = coordination;
    this.timekeeper = time;
  }

  within: CoordinationAccess['within'] = () => {
    const calls = this.#coordination.within();
    return {
      ...calls,
      openSession: (owner, ttlMs) => {
        this.opened++;
        return calls.openSession(owner, ttlMs);
      },
    };
  };

  follow: CoordinationAccess['follow'] = (key, read, onNews, onEnd) => {
    this.#onEnd.add(onEnd);
    if (!this.isFull) return this.#coordination.follow(key, read, onNews, onEnd);
    queueMicrotask(() => onEnd(tooMany()));
    return () => {};
  };

  fill(): void {
    this.isFull = true;
    for (const onEnd of this.#onEnd) onEnd(tooMany());
  }
}

/** A coordination of which a test says what is told, and what cannot be called. */
class Told implements CoordinationAccess {
  readonly timekeeper: ManualTime;
  readonly calls: string[] = [];
  isOut = false;
  /** Nothing is told but by the test. */
  isDeaf = false;
  tell: Parameters<CoordinationAccess['follow']>[2] = () => {};
  readonly #coordination: LocalCoordination;

  constructor(coordination: LocalCoordination, time: ManualTime) {
    this.#coordination = coordination;
    this.timekeeper = time;
  }

  within: CoordinationAccess['within'] = () => {
    const calls = Object.entries(this.#coordination.within()).map(([name, call]) => {
      const asked = async (...args: never[]): Promise<unknown> => {
        this.calls.push(name);
        if (this.isOut) throw new ConclaveError('ERR_NO_LEADER', 'out');
        return (call as (...given: never[]) => unknown)(...args);
      };
      return [name, asked];
    });
    return Object.fromEntries(calls) as ReturnType<CoordinationAccess['within']>;
  };

  follow: CoordinationAccess['follow'] = (key, read, onNews, onEnd) => {
    this.tell = onNews;
    return this.#coordination.follow(key, read, (news) => this.isDeaf || onNews(news), onEnd);
  };
}

function tooMany(): ConclaveError {
  return new ConclaveError('ERR_QUEUE_FULL', 'too many', { data: { limit: 'watches' } });
}

describe('a session of which nothing can be heard', () => {
  let access: Unheard;
  let sync: Sync;
  let other: Sync;

  beforeEach(async () => {
    const time = new ManualTime();
    const coordination = new LocalCoordination(time);
    access = new Unheard(coordination, time);
    sync = await connect(new CoordinationBackend(access, 'unheard'));
    other = await connect(new CoordinationBackend(coordination, 'other'));
  });

  it('is not opened: whoever would acquire something by it is told why, and it is tried once', async () => {
    access.fill();

    const error = await errorOf(() => sync.lock('x').acquire());

    expect(error).toMatchObject({ code: 'ERR_QUEUE_FULL', data: { limit: 'watches' } });
    expect(access.opened).toBe(1);
  });

  it('has lost what is held in it, and others need not wait for its end', async () => {
    const held = await sync.lock('x').acquire();

    access.fill();
    await settled();

    expect(held.held).toBe(false);
    expect(await other.lock('x').tryAcquire()).not.toBeNull();
  });
});

describe('a session', () => {
  const TTL_MS = 3_600_000;
  const all = { name: 'lock/x', of: 1, permits: 1, isWaiting: true, value: null };
  let time: ManualTime;
  let coordination: LocalCoordination;
  let access: Told;
  let backend: CoordinationBackend;
  let other: Sync;
  let told: string[];
  let listener: SessionListener;

  beforeEach(async () => {
    time = new ManualTime();
    coordination = new LocalCoordination(time);
    access = new Told(coordination, time);
    backend = new CoordinationBackend(access, 'told');
    other = await connect(new CoordinationBackend(coordination, 'other'));
    told = [];
    listener = {
      granted: (request) => told.push(`granted ${request}`),
      lost: (request) => told.push(`lost ${request}`),
      asked: () => {},
      ended: () => told.push('ended'),
    };
  });

  it('is told that it waits for something no longer, also where the change that says so was missed', async () => {
    await coordination.within().openSession('first', TTL_MS);
    await coordination.within().claim(1, { request: 1, ...all, owner: 'first' });
    const session = await backend.openSession(TTL_MS, listener);
    expect(await session.claim(1, { ...all, owner: 'me' })).toBe('waiting');
    access.isDeaf = true;
    await coordination.within().openSession('again', TTL_MS);
    await coordination.within().claim(3, { request: 1, ...all, owner: 'me' });
    await settled();

    access.tell({ type: 'state', value: { ttlMs: TTL_MS, claims: [] } });
    await settled();

    expect(told).toEqual(['lost 1']);
  });

  it('remembers nothing of a claim that was granted as it was given up', async () => {
    const session = await backend.openSession(TTL_MS, listener);
    await session.claim(1, all);
    await session.giveUp(1);
    access.tell({ type: 'granted', key: 1, request: 1, token: 1 });
    access.calls.length = 0;

    access.tell({ type: 'state', value: { ttlMs: TTL_MS, claims: [] } });
    await settled();

    expect(access.calls).toEqual([]);
  });

  it('takes a value only if those who look can be told of it, now and later', async () => {
    const nested = (levels: number): unknown => (levels === 0 ? 'deep' : [nested(levels - 1)]);
    const [mine, deeper] = [await connect(backend), other.election('boss', { id: 'other', value: nested(60) })];
    const watching = other.election('boss', { id: 'other' }).observe();
    await watching.next();
    const leading = await mine.election('boss', { id: 'me', value: nested(59) }).campaign();

    const seen = await watching.next();
    const first = await other.election('boss', { id: 'other' }).observe().next();
    const refused = [await errorOf(() => leading.proclaim(nested(60))), await errorOf(() => deeper.campaign())];

    expect([seen.value, first.value]).toMatchObject([{ value: nested(59) }, { value: nested(59) }]);
    expect(refused).toMatchObject([
      { code: 'ERR_NOT_ENCODABLE', mayBeApplied: false },
      { code: 'ERR_NOT_ENCODABLE', mayBeApplied: false },
    ]);
  });

  it('that could not be closed is closed within seconds once that can be done, and others hold', async () => {
    const sync = await connect(backend);
    await sync.lock('x', { ttlMs: TTL_MS }).acquire();
    access.isOut = true;
    await sync.close();
    await time.pass(1_000);
    access.isOut = false;

    await time.pass(10_000);

    expect(await other.lock('x').tryAcquire()).not.toBeNull();
  });
});

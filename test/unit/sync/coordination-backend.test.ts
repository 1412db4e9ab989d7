/** What a back end makes of a session when it cannot be heard what becomes of it. */

import { beforeEach, describe, expect, it } from 'vitest';
import { ConclaveError } from '../../../src/errors.js';
import type { CoordinationAccess } from '../../../src/sync/coordination-access.js';
import { CoordinationBackend } from '../../../src/sync/coordination-backend.js';
import { connect, type Sync } from '../../../src/sync/index.js';
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
    if (!this.isFull) return this.#coordination.follow(key, read, onNews);
    queueMicrotask(() => onEnd(tooMany()));
    return () => {};
  };

  fill(): void {
    this.isFull = true;
    for (const onEnd of this.#onEnd) onEnd(tooMany());
  }
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

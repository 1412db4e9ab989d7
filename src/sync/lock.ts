/**
 * Locks and semaphores: a name, and how much of it is claimed. On the caller's thread.
 */

import { PERMITS_MAX } from '../actors/coordination/coordination.js';
import type { ClaimTerms } from './backend.js';
import type { Claiming } from './claiming.js';
import { Held } from './held.js';
import { checkKnown, checkName, checkPermits, checkTtl, checkWaiting, invalid } from './option-checks.js';
import type { WaitOptions } from './patience.js';

/** How a lock is held. */
export interface LockOptions {
  /**
   * A holder that is not heard of for this long has lost it, in milliseconds: from 100 to a day. It is renewed three
   * times as often while it is held. Default: 15,000.
   */
  readonly ttlMs?: number;
  /** `exclusive` (the default): nobody else holds it. `shared`: together with others who share it. */
  readonly mode?: 'exclusive' | 'shared';
}

/** How permits of a semaphore are held. */
export interface SemaphoreOptions {
  /** How many can hold it at a time, from 1 to 1,000,000. All who use it must say the same. */
  readonly permits: number;
  /** As of a lock. */
  readonly ttlMs?: number;
}

/** Something that can be held: a lock, or one permit of a semaphore. */
export class Lock {
  readonly name: string;
  readonly #claiming: Claiming;
  readonly #terms: ClaimTerms;
  readonly #ttlMs: number;

  /** @internal */
  constructor(claiming: Claiming, name: string, terms: ClaimTerms, ttlMs: number) {
    this.#claiming = claiming;
    this.name = name;
    this.#terms = terms;
    this.#ttlMs = ttlMs;
  }

  /**
   * Waits until it is free, first come first served, and holds it.
   *
   * @throws ConclaveError `ERR_ABORTED` by the signal, `ERR_TIMEOUT` after `timeoutMs`: then nothing is held, and what
   *   is granted all the same is given back; `ERR_NO_LEADER`, `ERR_QUEUE_FULL`, `ERR_PERMITS_DIFFER`,
   *   `ERR_INVALID_OPTION`; `ERR_STOPPED` when the connection or its runtime was stopped.
   */
  async acquire(options: WaitOptions = {}): Promise<Held> {
    return this.#claiming.acquire(this.#terms, this.#ttlMs, checkWaiting(options), (claim) => new Held(claim));
  }

  /**
   * Holds it if it is free right now; null if it is not. Waits for an answer only, of a leader.
   *
   * @throws ConclaveError as {@link Lock.acquire}
   */
  async tryAcquire(options: WaitOptions = {}): Promise<Held | null> {
    return this.#claiming.tryAcquire(this.#terms, this.#ttlMs, checkWaiting(options), (claim) => new Held(claim));
  }

  /**
   * Acquires it, runs `work`, and releases it when that has settled. Settles as `work` does, also if it was lost
   * meanwhile: look at `held.signal`, and hand on `held.token`. The options are for waiting only, and do not end
   * `work`.
   *
   * @throws ConclaveError as {@link Lock.acquire}, or what `work` throws
   *
   * @example
   * await sync.lock('db-migrate', { ttlMs: 15_000 }).withLock(async (held) => {
   *   await fetch('https://db.example/migrate', { method: 'POST', body: String(held.token), signal: held.signal });
   * });
   */
  async withLock<Result>(work: (held: Held) => Promise<Result> | Result, options: WaitOptions = {}): Promise<Result> {
    if (typeof work !== 'function') throw invalid('work', 'must be a function');
    const held = await this.acquire(options);
    try {
      return await work(held);
    } finally {
      await held.release();
    }
  }
}

/** @throws ConclaveError `ERR_INVALID_OPTION` */
export function lockOf(claiming: Claiming, name: string, options: LockOptions): Lock {
  checkKnown(options, ['ttlMs', 'mode']);
  const { mode = 'exclusive' } = options;
  if (mode !== 'exclusive' && mode !== 'shared') throw invalid('mode', "must be 'exclusive' or 'shared'");
  const permits = mode === 'exclusive' ? PERMITS_MAX : 1;
  const terms = { name: `lock/${checkName(name)}`, of: PERMITS_MAX, permits, isWaiting: true, value: null };
  return new Lock(claiming, name, terms, checkTtl(options.ttlMs));
}

/** @throws ConclaveError `ERR_INVALID_OPTION` */
export function semaphoreOf(claiming: Claiming, name: string, options: SemaphoreOptions): Lock {
  checkKnown(options, ['permits', 'ttlMs']);
  const of = checkPermits(options.permits);
  const terms = { name: `semaphore/${checkName(name)}`, of, permits: 1, isWaiting: true, value: null };
  return new Lock(claiming, name, terms, checkTtl(options.ttlMs));
}

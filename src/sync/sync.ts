/**
 * A connection to locks, semaphores and elections, by whatever back end. On the caller's thread.
 */

import type { SyncBackend } from './backend.js';
import { Claiming } from './claiming.js';
import { Election, type ElectionOptions } from './election.js';
import { lockOf, semaphoreOf, type Lock, type LockOptions, type SemaphoreOptions } from './lock.js';
import { checkMethod } from './option-checks.js';

/** Locks, semaphores and elections; each kind has its own names, of up to 512 bytes. */
export class Sync {
  readonly #claiming: Claiming;

  /** @internal */
  constructor(claiming: Claiming) {
    this.#claiming = claiming;
  }

  /**
   * A lock of this name.
   *
   * @throws ConclaveError `ERR_INVALID_OPTION`
   */
  lock(name: string, options: LockOptions = {}): Lock {
    return lockOf(this.#claiming, name, options);
  }

  /**
   * A semaphore of this name, which so many can hold at a time.
   *
   * @throws ConclaveError `ERR_INVALID_OPTION`
   */
  semaphore(name: string, options: SemaphoreOptions): Lock {
    return semaphoreOf(this.#claiming, name, options);
  }

  /**
   * An election of this name, and one who stands in it, or only observes it.
   *
   * @throws ConclaveError `ERR_INVALID_OPTION`
   */
  election(name: string, options: ElectionOptions): Election {
    return new Election(this.#claiming, name, options);
  }

  /**
   * Gives up everything at once: what is held is lost (`ERR_LOCK_LOST`), who waits is told `ERR_STOPPED`. To end an
   * election in order, abort the signal of its `run` and wait for that first. Never rejects, and may be called more
   * than once.
   */
  close(): Promise<void> {
    return this.#claiming.close();
  }

  /** `await using sync = await connect(…)` closes it at the end of the block. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/**
 * Connects to locks and elections.
 *
 * @throws ConclaveError `ERR_INVALID_OPTION` when `backend` is none
 *
 * @example
 * const sync = await connect(memory());
 * await sync.lock('db-migrate').withLock(async (held) => {
 *   console.log(held.token);
 * });
 * await sync.close();
 */
export async function connect(backend: SyncBackend | Promise<SyncBackend>): Promise<Sync> {
  const awaited = await backend;
  checkMethod('backend', awaited, 'openSession', 'must be a back end, as in raft(runtime) or memory()');
  return new Sync(new Claiming(awaited));
}

/** A lock in the shape that Metaparticle's clients have: the object is held, or it is not. On the caller's thread. */

import { ConclaveError } from '../../errors.js';
import type { Held } from '../held.js';
import type { Lock as NamedLock } from '../lock.js';
import { checkKnown, invalid } from '../option-checks.js';
import type { WaitOptions } from '../patience.js';
import { syncOf, type Connection } from './connection.js';

/** How a lock is held. */
export interface LockOptions {
  /** Default: the sidecar at `http://localhost:13131`. */
  readonly connection?: Connection;
  /** A holder that is not heard of for this long has lost it, in milliseconds. Default: 15,000. */
  readonly ttlMs?: number;
  /** Called when it is lost; not when it is released. */
  readonly onLost?: (reason: ConclaveError) => void;
}

/**
 * A lock, exclusive and not reentrant.
 *
 * @example
 * import { Lock } from 'conclave/sync/metaparticle';
 *
 * const lock = new Lock('db-migrate', { onLost: () => process.exit(1) });
 * await lock.acquire();
 * console.log(lock.token);
 * await lock.release();
 */
export class Lock {
  readonly name: string;
  readonly #lock: NamedLock;
  readonly #onLost: (reason: ConclaveError) => void;
  #held: Held | null = null;
  #isAcquiring = false;

  /** @throws ConclaveError `ERR_INVALID_OPTION` */
  constructor(name: string, options: LockOptions = {}) {
    checkKnown(options, ['connection', 'ttlMs', 'onLost']);
    const { connection, ttlMs, onLost = () => {} } = options;
    if (typeof onLost !== 'function') throw invalid('onLost', 'must be a function');
    this.#lock = syncOf(connection).lock(name, ttlMs === undefined ? {} : { ttlMs });
    this.#onLost = onLost;
    this.name = name;
  }

  /** Is it held, as far as this process may believe? Computed from the clock. */
  get isHeld(): boolean {
    return this.#held?.held === true;
  }

  /** To be handed to whatever it protects; null while it is not held. */
  get token(): bigint | null {
    return this.isHeld ? this.#held!.token : null;
  }

  /**
   * Waits until it is free, and holds it.
   *
   * @throws ConclaveError `ERR_INVALID_OPTION` when this object holds or acquires it already: it is not reentrant; as
   *   the lock of `conclave/sync`
   */
  async acquire(options: WaitOptions = {}): Promise<void> {
    await this.#acquire(() => this.#lock.acquire(options));
  }

  /**
   * Holds it if it is free right now. Does it?
   *
   * @throws ConclaveError as {@link acquire}
   */
  tryAcquire(options: WaitOptions = {}): Promise<boolean> {
    return this.#acquire(() => this.#lock.tryAcquire(options));
  }

  /**
   * Gives it up.
   *
   * @throws ConclaveError `ERR_LOCK_LOST` when it is not held (any more): somebody else may hold it
   */
  async release(): Promise<void> {
    const held = this.#held;
    this.#held = null;
    if (held?.held === true) return held.release();
    throw new ConclaveError('ERR_LOCK_LOST', `${this.name} is not held by this object.`, {
      data: { reason: 'not held' },
    });
  }

  async #acquire(acquire: () => Promise<Held | null>): Promise<boolean> {
    if (this.#isAcquiring || this.isHeld) throw invalid('acquire', 'was called before: locks are not reentrant');
    this.#isAcquiring = true;
    try {
      const held = await acquire();
      held?.once('lost', (reason) => {
        if (this.#held === held) this.#held = null;
        this.#onLost(reason);
      });
      this.#held = held;
      return held !== null;
    } finally {
      this.#isAcquiring = false;
    }
  }
}

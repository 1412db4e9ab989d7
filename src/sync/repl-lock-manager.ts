/**
 * ReplLockManager: a replicated object that keeps locks, semaphores and elections. The object runs on the object's
 * thread; what its handle does for the node, on the caller's.
 */

import { Coordination } from '../actors/coordination/coordination.js';
import { attend, type AttendedNode, type Attendant } from '../actors/replicated/attendant.js';
import { LockAttendant } from './lock-attendant.js';
import { checkKnown, checkTtl, invalid } from './option-checks.js';

/** How a {@link ReplLockManager} is made. */
export interface LockManagerOptions {
  /**
   * A node that is not heard of for this long has lost its locks, in milliseconds: from 100 to a day. It renews them
   * three times as often. Default: 30,000.
   */
  readonly autoUnlockMs?: number;
  /**
   * Do servers reach each other's machines directly, so that a connection to a server's address is refused by its own
   * machine only, and only when nothing listens there any more? Then what a server held is free as soon as its process
   * is gone, and not after a TTL. Say so where no proxy, load balancer or firewall stands between them that could
   * refuse a connection to a server that lives, and their names never come to mean other machines: two could hold at a
   * time otherwise, until the first one's TTL is over. Default: false.
   */
  readonly directNetwork?: boolean;
}

const AUTO_UNLOCK_MS_DEFAULT = 30_000;

/**
 * Keeps who holds what. Registered on every node, it is what `conclave/sync` stands on: see `raft(runtime)`. Its handle
 * has locks that belong to the node as a whole, as PySyncObj's has: they are renewed for as long as the node lives, are
 * free at once when it stops in order, and within `autoUnlockMs` and a little when it dies, or at once on a
 * `directNetwork`. They are the locks of `conclave/sync` of the same names, exclusive ones; use those where a holder
 * must wait its turn, be told of a loss, or have a fencing token.
 *
 * @example
 * const definitions = { locks: object(ReplLockManager, { autoUnlockMs: 30_000 }) };
 *
 * async function migrate(locks: RemoteOf<ReplLockManager>): Promise<void> {
 *   if (!(await locks.tryAcquire('migration'))) return; // another node has it
 *   console.log(await locks.isAcquired('migration')); // true: does this node hold it?
 *   await locks.release('migration');
 * }
 */
export class ReplLockManager extends Coordination {
  static override readonly module: string = import.meta.url;
  /** Holds it for this node, unless another one does. True also if this node held it before. Made by the handle. */
  declare readonly tryAcquire: (name: string) => boolean;
  /** Does this node hold it? Computed from this node's clock. Made by the handle. */
  declare readonly isAcquired: (name: string) => boolean;
  /** Gives it up, if this node holds it. Made by the handle. */
  declare readonly release: (name: string) => void;

  /**
   * @throws ConclaveError `ERR_INVALID_OPTION` when an option is none or out of range: the start is refused with
   *   `ERR_INVALID_OBJECT`.
   */
  constructor(options: LockManagerOptions = {}) {
    super();
    checkManager(options);
  }

  /** @internal */
  static [attend]({ args: [options = {}], ...node }: AttendedNode): Attendant {
    return new LockAttendant({ ...node, args: [] }, checkManager(options as LockManagerOptions));
  }
}

function checkManager(options: LockManagerOptions): Required<LockManagerOptions> {
  checkKnown(options, ['autoUnlockMs', 'directNetwork']);
  const { autoUnlockMs = AUTO_UNLOCK_MS_DEFAULT, directNetwork = false } = options;
  if (typeof directNetwork !== 'boolean') throw invalid('directNetwork', 'must be true or false');
  return { autoUnlockMs: checkTtl(autoUnlockMs, 'autoUnlockMs'), directNetwork };
}

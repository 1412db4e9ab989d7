/**
 * One who uses locks in a simulated cluster, in the process of one node: waits for them or does not, works for a while,
 * writes to something that is protected without looking whether it still holds, gives up at times, and at times holds
 * on until it has lost.
 */

import { PERMITS_MAX } from '../../../actors/coordination/coordination.js';
import { ConclaveError, type ErrorCode } from '../../../errors.js';
import type { Held } from '../../../sync/held.js';
import type { Lock } from '../../../sync/lock.js';
import type { WaitOptions } from '../../../sync/patience.js';
import { raft } from '../../../sync/raft.js';
import { connect, type Sync } from '../../../sync/sync.js';
import type { HeldLocks, Holding } from '../checkers/held-locks.js';
import type { Coverage } from '../coverage.js';
import type { Dice } from '../dice.js';
import type { SimulationObjects } from '../objects/simulation-objects.js';
import type { SimulatedNode } from '../simulated-node.js';
import type { Trace } from '../trace.js';
import type { Violations } from '../violations.js';
import type { FencedStore } from './fenced-store.js';
import { PASSING_ERRORS } from './passing-errors.js';

export interface LockClientParts {
  readonly name: string;
  readonly node: SimulatedNode<SimulationObjects>;
  readonly ttlMs: number;
  readonly dice: Dice;
  readonly held: HeldLocks;
  readonly stores: ReadonlyMap<string, FencedStore>;
  readonly coverage: Coverage;
  readonly violations: Violations;
  readonly trace: Trace | null;
}

/** What those who want a lock may be told while things go wrong. */
const EXPECTED: ReadonlySet<ErrorCode> = new Set<ErrorCode>([...PASSING_ERRORS, 'ERR_ABORTED']);
/** Locks, of which there are few. */
export const LOCK_NAMES = ['x', 'y'] as const;
const SEMAPHORE = 's';
const SEMAPHORE_PERMITS = 2;

/** Something to hold, and how much of it that is. */
interface Wanted {
  readonly lock: Lock;
  /** As `HeldLocks` knows it. */
  readonly name: string;
  readonly of: number;
  readonly permits: number;
  /** What is protected by it; null: nothing, for others may hold it at the same time. */
  readonly store: FencedStore | null;
}

export class LockClient {
  readonly #parts: LockClientParts;
  #sync: Promise<Sync> | null = null;

  constructor(parts: LockClientParts) {
    this.#parts = parts;
  }

  /** Resolves when it has held something, or has given up. */
  async act(): Promise<void> {
    const { dice, name, coverage, violations, trace } = this.#parts;
    try {
      this.#sync ??= connect(raft(this.#parts.node.runtime!));
      const sync = await this.#sync;
      await this.#use(this.#wanted(sync));
      if (!dice.chance(0.1)) return;
      coverage.count('connections to locks closed');
      this.#sync = null;
      await sync.close();
    } catch (error) {
      if (error instanceof ConclaveError && EXPECTED.has(error.code)) {
        coverage.count(`claims ended with ${error.code}`);
        trace?.add(name, `has given up a lock, by ${error.code}`);
      } else violations.report('errors', `${name} was told of a lock: ${String(error)}`);
    }
  }

  #wanted(sync: Sync): Wanted {
    const { dice, ttlMs, stores } = this.#parts;
    if (dice.chance(0.15)) {
      const lock = sync.semaphore(SEMAPHORE, { permits: SEMAPHORE_PERMITS, ttlMs });
      return { lock, name: `semaphore ${SEMAPHORE}`, of: SEMAPHORE_PERMITS, permits: 1, store: null };
    }
    const lockName = dice.oneOf(LOCK_NAMES);
    const isShared = dice.chance(0.2);
    const lock = sync.lock(lockName, { ttlMs, mode: isShared ? 'shared' : 'exclusive' });
    const name = `lock ${lockName}`;
    return isShared
      ? { lock, name, of: PERMITS_MAX, permits: 1, store: null }
      : { lock, name, of: PERMITS_MAX, permits: PERMITS_MAX, store: stores.get(lockName)! };
  }

  async #use({ lock, name, of, permits, store }: Wanted): Promise<void> {
    const { dice, node, held: heldLocks, name: holder, coverage, trace } = this.#parts;
    const endedBefore = heldLocks.newestEnded(name);
    const held = dice.chance(0.25) ? await lock.tryAcquire(this.#waiting()) : await lock.acquire(this.#waiting());
    if (held === null || node.isKilled) return;
    coverage.count('locks granted');
    trace?.add(holder, `holds ${name} by ${held.token}`);
    const holding: Holding = {
      name,
      of,
      permits,
      token: held.token,
      holder,
      isBelieving: () => !node.isKilled && !node.process.isFrozen && held.held,
      isOver: () => node.isKilled,
    };
    heldLocks.granted(holding, endedBefore);
    held.once('lost', () => {
      coverage.count('locks lost');
      trace?.add(holder, `has lost ${name}`);
      heldLocks.ended(holding);
    });
    await this.#work(held, store);
    const released = held.release();
    heldLocks.ended(holding);
    await released;
  }

  /** It does not look at what it holds: whatever is protected does. */
  async #work({ token }: Held, store: FencedStore | null): Promise<void> {
    const { dice, node, ttlMs, name } = this.#parts;
    const times = 1 + dice.below(3);
    const longMs = dice.oneOf([0.1, 0.5, 2]) * ttlMs;
    for (let i = 0; i < times; i++) {
      await this.#sleep(dice.between(0, longMs));
      if (node.isKilled) return;
      store?.write(token, name);
    }
  }

  #waiting(): WaitOptions {
    const { dice, node, ttlMs } = this.#parts;
    const timeoutMs = 1 + dice.below(4 * ttlMs);
    if (dice.chance(0.8)) return { timeoutMs };
    const controller = new AbortController();
    node.process.after(dice.between(1, ttlMs), () => controller.abort());
    return { timeoutMs, signal: controller.signal };
  }

  #sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => void this.#parts.node.process.after(delayMs, resolve));
  }
}

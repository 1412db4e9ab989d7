/**
 * ReplCounter: a replicated number. Runs on the object's thread, like every replicated object.
 */

import { isWatched, tellChange } from '../command-context.js';
import { query, replicated } from '../decorators.js';
import type { CounterChange } from './object-changes.js';

/**
 * A number that all nodes agree on. Starts at 0. Each change returns the new value, and is refused, changing nothing,
 * with a `TypeError` when it is given anything but a finite number, and with a `RangeError` when the result would not
 * be one. Whole numbers are exact up to 2^53 - 1.
 *
 * @example
 * async function count(hits: RemoteOf<ReplCounter>): Promise<void> {
 *   await hits.inc(); // 1
 *   await hits.add(10); // 11
 *   await hits.get(); // 11
 * }
 */
export class ReplCounter {
  static readonly module = import.meta.url;
  declare readonly changes: CounterChange;
  /** Invariant: finite. */
  private value = 0;

  /** Replaces the value. */
  @replicated set(value: number): number {
    return this.become(finite(value));
  }

  /** Adds to the value. */
  @replicated add(amount: number): number {
    return this.become(this.value + finite(amount));
  }

  /** Subtracts from the value. */
  @replicated sub(amount: number): number {
    return this.become(this.value - finite(amount));
  }

  /** Adds 1. */
  @replicated inc(): number {
    return this.become(this.value + 1);
  }

  /** The value. */
  @query get(): number {
    return this.value;
  }

  private become(value: number): number {
    if (!Number.isFinite(value)) throw new RangeError('The counter would no longer be a finite number.');
    const previous = this.value;
    this.value = value;
    if (!Object.is(value, previous) && isWatched(this)) {
      tellChange({ type: 'set', value, previous } satisfies CounterChange);
    }
    return value;
  }
}

function finite(amount: unknown): number {
  if (typeof amount === 'number' && Number.isFinite(amount)) return amount;
  const given = typeof amount === 'number' ? amount : `of type ${typeof amount}`;
  throw new TypeError(`A counter takes finite numbers, not ${given}.`);
}

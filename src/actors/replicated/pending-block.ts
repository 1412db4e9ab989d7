/**
 * The calls that wait for one block's results, on the caller's thread. A call settles once: by its result, its
 * deadline, its signal, or the end of the runtime.
 */

import type { ConclaveError } from '../../errors.js';

export type Resolve = (value: unknown) => void;
export type Reject = (error: unknown) => void;

export class PendingBlock {
  /** The first sequence number (commands) or the query id; 0 until the block has been sent. */
  id = 0;
  /** Its encoded size; 0 while calls may still be added. */
  bytes = 0;
  /** By position; null: told without waiting, or settled already. */
  readonly #resolves: (Resolve | null)[] = [];
  readonly #rejects: (Reject | null)[] = [];
  /** By position, on the runtime's clock. Null while all calls have the block's default deadline. */
  #deadlinesMs: number[] | null = null;
  /** When its first call was made, on the runtime's clock. */
  readonly startedMs: number;
  readonly #defaultDeadlineMs: number;
  readonly #onRejected: (error: unknown) => void;
  /** Invariant: no call that has not settled has an earlier deadline. */
  #earliestDeadlineMs: number;
  #latestDeadlineMs: number;
  /** Calls whose promise has not settled. */
  #unsettled = 0;
  #hasTold = false;

  /** `onRejected` is told of each call that fails. */
  constructor(startedMs: number, defaultTimeoutMs: number, onRejected: (error: unknown) => void) {
    const defaultDeadlineMs = startedMs + defaultTimeoutMs;
    this.startedMs = startedMs;
    this.#onRejected = onRejected;
    this.#defaultDeadlineMs = defaultDeadlineMs;
    this.#earliestDeadlineMs = defaultDeadlineMs;
    this.#latestDeadlineMs = defaultDeadlineMs;
  }

  get count(): number {
    return this.#resolves.length;
  }

  /** Nobody waits for this block any longer than this. */
  get latestDeadlineMs(): number {
    return this.#latestDeadlineMs;
  }

  /** Was a call told without waiting? */
  get hasTold(): boolean {
    return this.#hasTold;
  }

  /** Has every call settled, and was none told without waiting? */
  get isSettled(): boolean {
    return this.#unsettled === 0 && !this.#hasTold;
  }

  /** Adds a call; its position is that of its command in the block. */
  add(resolve: Resolve | null, reject: Reject | null, deadlineMs: number | null): void {
    if (deadlineMs !== null) this.#setDeadline(deadlineMs);
    else if (this.#deadlinesMs !== null) this.#deadlinesMs.push(this.#defaultDeadlineMs);
    this.#resolves.push(resolve);
    this.#rejects.push(reject);
    if (reject !== null) this.#unsettled++;
    else this.#hasTold = true;
  }

  resolve(position: number, value: unknown): void {
    const resolve = this.#resolves[position];
    if (resolve === null || resolve === undefined) return;
    this.#settled(position);
    resolve(value);
  }

  /** Returns whether the call was still waiting. */
  reject(position: number, error: unknown): boolean {
    const reject = this.#rejects[position];
    if (reject === null || reject === undefined) return false;
    this.#settled(position);
    this.#onRejected(error);
    reject(error);
    return true;
  }

  rejectAll(error: (position: number) => ConclaveError): void {
    for (let position = 0; position < this.count; position++) {
      if (this.#rejects[position] !== null) this.reject(position, error(position));
    }
  }

  /** Rejects the calls whose time is over; `onExpired` is told the position of each. */
  expire(nowMs: number, error: () => ConclaveError, onExpired?: (position: number) => void): void {
    if (nowMs < this.#earliestDeadlineMs || this.#unsettled === 0) return;
    let earliestMs = Infinity;
    for (let position = 0; position < this.count; position++) {
      if (this.#rejects[position] === null) continue;
      const deadlineMs = this.#deadlinesMs?.[position] ?? this.#defaultDeadlineMs;
      if (deadlineMs > nowMs) earliestMs = Math.min(earliestMs, deadlineMs);
      else if (this.reject(position, error())) onExpired?.(position);
    }
    this.#earliestDeadlineMs = earliestMs;
  }

  #settled(position: number): void {
    this.#resolves[position] = null;
    this.#rejects[position] = null;
    this.#unsettled--;
  }

  #setDeadline(deadlineMs: number): void {
    this.#deadlinesMs ??= Array.from({ length: this.count }, () => this.#defaultDeadlineMs);
    this.#deadlinesMs.push(deadlineMs);
    this.#earliestDeadlineMs = Math.min(this.#earliestDeadlineMs, deadlineMs);
    this.#latestDeadlineMs = Math.max(this.#latestDeadlineMs, deadlineMs);
  }
}

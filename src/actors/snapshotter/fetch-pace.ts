/**
 * How much of a snapshot is asked for at a time, and when what has not come is asked for again. Goes by how long the
 * ranges take: over a link that is slow, or that others use, too, few bytes are under way, so that heartbeats do not
 * wait behind them; and what is merely on its way is not asked for twice. Pure. Part of the Snapshotter.
 */

import { RANGE_BYTES_MAX } from '../../storage/snapshot-receiver.js';

const RANGE_BYTES_MIN = 16 * 1024;
/** Ranges that have waited for less behind others may be larger, and those that have for more are to be smaller. */
const QUEUE_MS_LOW = 250;
const QUEUE_MS_HIGH = 500;
/** Of several ranges under way, each comes so long after the one before where they have waited for too long. */
const APART_MS = 100;
const RETRY_MS_MIN = 1_000;
const RETRY_MS_MAX = 20_000;

/** A range that was asked for. */
export interface Asked {
  readonly length: number;
  /** When it was for the first time, and for the last. */
  readonly firstMs: number;
  sentMs: number;
}

export class FetchPace {
  #rangeBytes = RANGE_BYTES_MIN;
  #retryMs = RETRY_MS_MIN;
  /** The shortest that a range has taken. */
  #roundTripMsMin = Infinity;
  #arrivedMs = -Infinity;
  /** For how long the last two were waited for behind what came before them, or since they were asked for. */
  #waitedMs: readonly [before: number, last: number] = [0, 0];
  /** When ranges have last become larger or smaller: what was asked for before that says nothing of it. */
  #changedMs = -Infinity;

  /** When anything has come last; -Infinity: nothing has. */
  get arrivedMs(): number {
    return this.#arrivedMs;
  }

  /** How long the next range is. */
  get rangeBytes(): number {
    return this.#rangeBytes;
  }

  /**
   * Is this range to be asked for again? What comes, comes in the order in which it was sent: as long as anything does,
   * so may this.
   */
  isOverdue({ sentMs }: Asked, nowMs: number): boolean {
    return nowMs - Math.max(sentMs, this.#arrivedMs) >= this.#retryMs;
  }

  /** What was overdue was asked for again. */
  retried(): void {
    this.#retryMs = Math.min(RETRY_MS_MAX, this.#retryMs * 2);
  }

  /** Some of the snapshot has come; `asked`, unless it had before. */
  arrived(asked: Asked | null, nowMs: number): void {
    const waitedMs = nowMs - Math.max(asked?.firstMs ?? -Infinity, this.#arrivedMs);
    this.#arrivedMs = nowMs;
    if (asked === null) return;
    this.#waitedMs = [this.#waitedMs[1], waitedMs];
    this.#retryMs = Math.min(RETRY_MS_MAX, Math.max(RETRY_MS_MIN, waitedMs * 2));
    // Of one that was asked for twice nobody knows how long it took.
    if (asked.firstMs === asked.sentMs) this.#measured(asked.firstMs, nowMs);
  }

  #measured(sentMs: number, nowMs: number): void {
    const roundTripMs = nowMs - sentMs;
    const queueMs = roundTripMs - this.#roundTripMsMin;
    this.#roundTripMsMin = Math.min(this.#roundTripMsMin, roundTripMs);
    // The first one has nothing to be compared with.
    if (queueMs === -Infinity || sentMs < this.#changedMs) return;
    if (queueMs < QUEUE_MS_LOW) this.#change(this.#rangeBytes * 2, nowMs);
    else if (queueMs > QUEUE_MS_HIGH && this.#isLinkSlow) this.#change(this.#rangeBytes / 2, nowMs);
  }

  /**
   * What a slow link carries comes one after the other. What comes all at once has waited for a thread or a disk, and
   * would not come sooner if it were less.
   */
  get #isLinkSlow(): boolean {
    return Math.min(...this.#waitedMs) >= APART_MS;
  }

  #change(bytes: number, nowMs: number): void {
    this.#rangeBytes = Math.min(RANGE_BYTES_MAX, Math.max(RANGE_BYTES_MIN, bytes));
    this.#changedMs = nowMs;
  }
}

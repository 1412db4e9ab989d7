/**
 * For how long a holder may believe that it holds: TTL less a margin from the moment at which the last renewal that
 * succeeded was asked for, which is earlier than whoever decides about its end can have seen it. Pure but for the clock
 * that it is given.
 *
 * It goes by whichever of the machine's clocks says that more time has passed: the monotonic one stands still while the
 * machine is suspended, and the calendar clock tells afterwards.
 */

import type { Clock } from '../runtime/clock.js';

/** A moment on both clocks. */
export interface Moment {
  readonly nowMs: number;
  readonly wallMs: number;
}

/** This part of the TTL is the holder's to be done, and covers clocks that run at different speeds. */
const MARGIN = 0.1;

export class Lease {
  readonly #clock: Clock;
  readonly #termMs: number;
  #since: Moment;

  constructor(clock: Clock, ttlMs: number, since: Moment) {
    this.#clock = clock;
    this.#termMs = ttlMs * (1 - MARGIN);
    this.#since = since;
  }

  static now(clock: Clock): Moment {
    return { nowMs: clock.nowMs(), wallMs: clock.wallMs() };
  }

  /** A renewal that was asked for at this moment has succeeded. */
  extend(since: Moment): void {
    if (since.nowMs > this.#since.nowMs) this.#since = since;
  }

  /** Milliseconds since the last renewal that succeeded was asked for. */
  get passedMs(): number {
    const { nowMs, wallMs } = this.#since;
    return Math.max(this.#clock.nowMs() - nowMs, this.#clock.wallMs() - wallMs);
  }

  /** Milliseconds left; 0 or less: it is over, as far as its holder may know. */
  get remainingMs(): number {
    return this.#termMs - this.passedMs;
  }
}

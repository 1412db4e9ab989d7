/**
 * How long to wait before trying again. Owns the count of failures in a row and no timer.
 */

import { randomBelow, type Random } from '../runtime/random.js';

export interface BackoffOptions {
  /** The first delay, before jitter. At least 1. */
  readonly minMs: number;
  /** No delay is longer. At least `minMs`. */
  readonly maxMs: number;
}

/**
 * Delays of `minMs × 2^n`, at most `maxMs`, each then drawn evenly from its upper half, so that nodes that lost each
 * other at one moment do not all come back at one moment. For 50 and 1000, before jitter: 50, 100, 200, 400, 800, 1000,
 * 1000, …; the first wait is thus 25 to 50 ms, and the longest 500 to 1000.
 */
export class Backoff {
  readonly #minMs: number;
  readonly #maxMs: number;
  readonly #random: Random;
  #delayMs: number;

  constructor(options: BackoffOptions, random: Random) {
    this.#minMs = options.minMs;
    this.#maxMs = options.maxMs;
    this.#random = random;
    this.#delayMs = options.minMs;
  }

  /** The next delay of the series, whole milliseconds. */
  nextMs(): number {
    const delayMs = this.#delayMs;
    this.#delayMs = Math.min(delayMs * 2, this.#maxMs);
    return delayMs - randomBelow(this.#random, Math.floor(delayMs / 2) + 1);
  }

  /** Begins the series anew. */
  reset(): void {
    this.#delayMs = this.#minMs;
  }
}

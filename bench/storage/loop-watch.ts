/**
 * How long a thread has been unable to turn to its next event: the longest time between two firings of a timer on it.
 * Runs on the thread that is watched.
 */

/** A timer that fires more often would itself be a load: there is one on each of a dozen threads. */
const EVERY_MS = 2;

export class LoopWatch {
  #lastMs = performance.now();
  #longestMs = 0;

  constructor() {
    setInterval(() => this.#note(), EVERY_MS).unref();
  }

  /**
   * The longest since the last look, in milliseconds. No stall was longer; it may have been shorter by the 2 ms in
   * which the timer would not have fired anyway.
   */
  takeLongestMs(): number {
    // A stall that ends with this very event.
    this.#note();
    const longestMs = this.#longestMs;
    this.#longestMs = 0;
    return longestMs;
  }

  #note(): void {
    const nowMs = performance.now();
    this.#longestMs = Math.max(this.#longestMs, nowMs - this.#lastMs);
    this.#lastMs = nowMs;
  }
}

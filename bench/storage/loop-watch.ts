/**
 * How long a thread has been unable to turn to its next event: the longest time between two firings of a timer on it.
 * Runs on the thread that is watched.
 */

import { monitorEventLoopDelay, type IntervalHistogram } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';

/** A timer that fires more often would itself be a load: there is one on each of a dozen threads. */
const RESOLUTION_MS = 2;
const NS_PER_MS = 1e6;

export class LoopWatch {
  readonly #histogram: IntervalHistogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });

  constructor() {
    this.#histogram.enable();
  }

  /**
   * The longest since the last look, in milliseconds. No stall was longer; it may have been shorter by the 2 ms in which
   * the timer would have fired anyway.
   */
  async takeLongestMs(): Promise<number> {
    // What ends with this very event is noted when the timer fires next.
    await delay(2 * RESOLUTION_MS);
    const longestMs = this.#histogram.max / NS_PER_MS;
    this.#histogram.reset();
    return longestMs;
  }
}

/**
 * How long calls have waited for their answers, in buckets that never change: a few additions for each block, and
 * nothing is allocated. On the caller's thread.
 */

/** Upper bounds in milliseconds; above the last one lies everything else. */
export const LATENCY_BOUNDS_MS: readonly number[] = [
  0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000,
];

/** Plain data. */
export interface LatencyFigures {
  /** By bucket, each with what is in no smaller one; one more than there are bounds. */
  readonly counts: readonly number[];
  readonly sumMs: number;
}

export class LatencyHistogram {
  readonly #counts = new Float64Array(LATENCY_BOUNDS_MS.length + 1);
  #sumMs = 0;

  /** Notes that `calls` have been answered after so long. */
  add(durationMs: number, calls: number): void {
    let bucket = 0;
    while (bucket < LATENCY_BOUNDS_MS.length && durationMs > LATENCY_BOUNDS_MS[bucket]!) bucket++;
    this.#counts[bucket]! += calls;
    this.#sumMs += durationMs * calls;
  }

  figures(): LatencyFigures {
    return { counts: [...this.#counts], sumMs: this.#sumMs };
  }
}

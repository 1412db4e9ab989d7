/** What there is to count of a lane of calls, and of several lanes together. Plain data; on the caller's thread. */

import type { LatencyFigures } from './latency-histogram.js';

/** Counted since the lane was made. */
export interface LaneFigures {
  /** Calls that were taken in. */
  readonly submitted: number;
  /** Of those, calls that wait. */
  readonly pending: number;
  /** Of those, calls that have failed while somebody waited for them, by code. */
  readonly failed: readonly (readonly [code: string, calls: number])[];
  /**
   * Of those, calls that were answered, with a result or an error of the object: how long. One measurement for each
   * block, that of its first call, counts for all of the block's calls.
   */
  readonly latency: LatencyFigures;
}

/** The figures of lanes of the same kind, of which there is one at least, as though they were one lane. */
export function together(lanes: readonly LaneFigures[]): LaneFigures {
  return lanes.reduce((sum, lane) => ({
    submitted: sum.submitted + lane.submitted,
    pending: sum.pending + lane.pending,
    failed: addedByCode(sum.failed, lane.failed),
    latency: {
      counts: sum.latency.counts.map((count, bucket) => count + lane.latency.counts[bucket]!),
      sumMs: sum.latency.sumMs + lane.latency.sumMs,
    },
  }));
}

function addedByCode(a: LaneFigures['failed'], b: LaneFigures['failed']): LaneFigures['failed'] {
  const calls = new Map(a);
  for (const [code, count] of b) calls.set(code, (calls.get(code) ?? 0) + count);
  return [...calls];
}

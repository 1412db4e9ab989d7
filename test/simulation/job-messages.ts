/** What the program and its threads say to each other: seeds to run, and what has come of each. */

import type { FaultName, Violation } from 'conclave/testing';

/** To a thread: run these. Answered by an {@link Outcome} for each. */
export interface Job {
  readonly seeds: readonly number[];
  readonly like: HistoryOptions;
}

/** What all histories of a run have in common. */
export interface HistoryOptions {
  /** Null: drawn for each seed. */
  readonly nodes: number | null;
  readonly isCalm: boolean;
}

/** From a thread. */
export interface Outcome {
  readonly seed: number;
  readonly violation: Pick<Violation, 'promise' | 'what' | 'atMs'> | null;
  readonly virtualMs: number;
  readonly coverage: readonly (readonly [event: string, count: number])[];
  /** The faults that were on. */
  readonly faults: readonly FaultName[];
}

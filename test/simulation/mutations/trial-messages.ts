/** What a trial's own process is asked, and what it tells. */

/** To the process, once. */
export interface TrialJob {
  /** The module of the product. */
  readonly entry: string;
  readonly seeds: readonly number[];
}

/** From the process, for each seed. */
export interface TrialOutcome {
  readonly seed: number;
  /** Null: every promise was kept. */
  readonly violation: { readonly promise: string; readonly what: string } | null;
}

/**
 * What a simulation has found wrong, by whoever has found it. Only the first counts: what follows may follow from it.
 */

export interface Violation {
  /** Which promise is broken. */
  readonly promise: string;
  readonly what: string;
  readonly atMs: number;
  /** What was thrown, if anything was. */
  readonly cause?: unknown;
}

export class Violations {
  readonly nowMs: () => number;
  #first: Violation | null = null;

  constructor(nowMs: () => number) {
    this.nowMs = nowMs;
  }

  get first(): Violation | null {
    return this.#first;
  }

  report(promise: string, what: string, cause?: unknown): void {
    this.#first ??= { promise, what, atMs: this.nowMs(), ...(cause === undefined ? {} : { cause }) };
  }
}

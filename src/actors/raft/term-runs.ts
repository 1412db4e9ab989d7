/**
 * The terms of the entries in the log, as runs of equal terms: a leader appends many entries in one term, so that a
 * log of millions has a handful of runs. Part of `RaftLog`, which says how far the log reaches.
 */

export class TermRuns {
  /** Invariant: both ascend strictly, and have the same length. A run ends where the next one begins. */
  #firstIndexes: number[] = [];
  #terms: number[] = [];

  /** The term of the last run; null if there is none. */
  get lastTerm(): number | null {
    return this.#terms.at(-1) ?? null;
  }

  /** Begins a run at `index`, which is behind all others, with a term above all others. */
  begin(index: number, term: number): void {
    this.#firstIndexes.push(index);
    this.#terms.push(term);
  }

  /** The term at `index`, which is in a run. */
  termAt(index: number): number {
    return this.#terms[lastAtMost(this.#firstIndexes, index)]!;
  }

  /** Where the run begins that `index` is in. */
  firstIndexAt(index: number): number {
    return this.#firstIndexes[lastAtMost(this.#firstIndexes, index)]!;
  }

  /** Where the first run with a greater term begins: all before it have this term at most. Null if there is none. */
  firstIndexAbove(term: number): number | null {
    return this.#firstIndexes[lastAtMost(this.#terms, term) + 1] ?? null;
  }

  /** Drops what is behind `index`. */
  truncateAfter(index: number): void {
    const length = lastAtMost(this.#firstIndexes, index) + 1;
    this.#firstIndexes.length = length;
    this.#terms.length = length;
  }

  /** Drops what is before `index`, which is in a run. */
  dropBefore(index: number): void {
    const position = lastAtMost(this.#firstIndexes, index);
    this.#firstIndexes.splice(0, position);
    this.#terms.splice(0, position);
    this.#firstIndexes[0] = index;
  }

  clear(): void {
    this.#firstIndexes = [];
    this.#terms = [];
  }
}

/** The position of the last of these ascending values that is at most `limit`; -1 if all are above. */
function lastAtMost(values: readonly number[], limit: number): number {
  // Nearly all questions are about the end of the log.
  let high = values.length - 1;
  if (high < 0 || values[high]! <= limit) return high;
  let low = -1;
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if (values[middle]! <= limit) low = middle;
    else high = middle;
  }
  return low;
}

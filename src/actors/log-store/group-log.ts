/**
 * One group's log as its records tell it, told in the order in which they were written: where the entries are that
 * still count. Pure; keeps places only, never entries, so that it is small however long the log is.
 */

import type { LastIncluded } from '../../ids.js';
import type { HardState } from '../raft/effects.js';

/** Records of one segment, from the first to the last of which the group's entries follow each other without a gap. */
export interface LogRun {
  readonly sequence: number;
  /** Where the first record begins, and where the last one ends. Records of other groups may lie between. */
  readonly startOffset: number;
  endOffset: number;
  readonly firstIndex: number;
  /** The records may hold more; what is behind this index has been replaced. */
  lastIndex: number;
  /** Do its records end with `lastIndex`? Then another one may be added. */
  isWhole: boolean;
}

export class GroupLog {
  /** Null: no term or vote was ever stored. */
  hardState: HardState | null = null;
  /** What the last reset said; null if there was none, or it has been dropped. */
  base: LastIncluded | null = null;
  /** Invariant: in order of index, without gaps. */
  readonly runs: LogRun[] = [];

  /** The first entry that is there, or would be; null: nothing is known of the log. */
  get firstIndex(): number | null {
    return this.runs[0]?.firstIndex ?? (this.base === null ? null : this.base.index + 1);
  }

  /** The last entry; null: nothing is known of the log. */
  get lastIndex(): number | null {
    return this.runs.at(-1)?.lastIndex ?? this.base?.index ?? null;
  }

  /** Takes a record of entries. Returns false, and takes nothing, if entries before it are missing. */
  addEntries(sequence: number, startOffset: number, endOffset: number, firstIndex: number, lastIndex: number): boolean {
    const last = this.lastIndex;
    if (last !== null && firstIndex > last + 1) return false;
    if (this.base !== null && firstIndex <= this.base.index) return false;
    if (last !== null && firstIndex <= last) this.#truncateFrom(firstIndex);
    const run = this.runs.at(-1);
    if (run !== undefined && run.isWhole && run.sequence === sequence) {
      run.endOffset = endOffset;
      run.lastIndex = lastIndex;
    } else {
      this.runs.push({ sequence, startOffset, endOffset, firstIndex, lastIndex, isWhole: true });
    }
    return true;
  }

  /** The log is empty and begins behind this. */
  reset(base: LastIncluded): void {
    this.base = base;
    this.runs.length = 0;
  }

  #truncateFrom(index: number): void {
    while (this.runs.length > 0 && this.runs.at(-1)!.firstIndex >= index) this.runs.pop();
    const run = this.runs.at(-1);
    if (run === undefined || run.lastIndex < index) return;
    run.lastIndex = index - 1;
    run.isWhole = false;
  }
}

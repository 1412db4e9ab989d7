/**
 * When a snapshot is due: after so many entries, so many bytes or so much time since the newest one, whichever is
 * first. The nodes of a cluster apply the same log, and would all be busy with their snapshots at once: so each waits
 * longer for its first one, by its place among them, and they stay apart from then on. Pure; clock and counts are
 * handed in.
 *
 * With three nodes and a snapshot every 10,000 entries, the first node takes its first one after 10,000 entries, the
 * second after 13,334 and the third after 16,667; the next ones come after 20,000, 23,334 and 26,667, and so on.
 */

import type { LogIndex } from '../../ids.js';

export interface CompactionBounds {
  readonly entries: number;
  /**
   * Bytes of the log. A larger snapshot counts as its own size, so that what is written of snapshots stays in
   * proportion; but at most half the state does, so that the log does.
   */
  readonly bytes: number;
  /** Null: time alone is no reason. */
  readonly intervalMs: number | null;
}

/** The newest snapshot, as far as it matters when the next one is due. */
export interface CompactionMark {
  readonly index: LogIndex;
  readonly bytes: number;
  readonly stateBytes: number;
  /** The bytes that had been applied when it was taken. */
  readonly appliedBytes: number;
  readonly takenMs: number;
}

/** By how many times what makes a snapshot due the log may grow before the next one becomes urgent. */
const OVERDUE = 1.5;

export class CompactionTrigger {
  readonly #bounds: CompactionBounds;
  /** What the bounds are multiplied by; 1 once this node has taken a snapshot because it was due. */
  #patience: number;
  #isSettled = false;
  #mark: CompactionMark;

  /** `position` is the node's place among the `membersCount` members, from 0. */
  constructor(bounds: CompactionBounds, position: number, membersCount: number, mark: CompactionMark) {
    this.#bounds = bounds;
    this.#patience = patienceOf(position, membersCount);
    this.#mark = mark;
  }

  /** Members have come or gone. Those who have taken a snapshot because it was due stay apart as they are. */
  move(position: number, membersCount: number): void {
    if (!this.#isSettled) this.#patience = patienceOf(position, membersCount);
  }

  /** From here on it counts. */
  reset(mark: CompactionMark): void {
    this.#mark = mark;
  }

  /** A snapshot has been taken because it was due. */
  settle(): void {
    this.#isSettled = true;
    this.#patience = 1;
  }

  /** Is one due, when so much has been applied? */
  isDue(index: LogIndex, appliedBytes: number, nowMs: number): boolean {
    const { entries, intervalMs } = this.#bounds;
    const mark = this.#mark;
    const patience = this.#patience;
    if (index <= mark.index) return false;
    if (index - mark.index >= entries * patience) return true;
    if (appliedBytes - mark.appliedBytes >= this.#dueBytes() * patience) return true;
    return intervalMs !== null && nowMs - mark.takenMs >= intervalMs * patience;
  }

  /** Has the log outgrown what snapshots keep it to? Then they take longer than it takes the log to grow. */
  isOverdue(appliedBytes: number): boolean {
    return appliedBytes - this.#mark.appliedBytes >= OVERDUE * this.#dueBytes() * this.#patience;
  }

  #dueBytes(): number {
    const { bytes, stateBytes } = this.#mark;
    return Math.max(this.#bounds.bytes, Math.min(bytes, stateBytes / 2));
  }
}

function patienceOf(position: number, membersCount: number): number {
  return 1 + position / membersCount;
}

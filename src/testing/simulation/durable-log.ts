/**
 * What one memory of one node has for good, as a model: from the requests that its log store has made durable. Knows
 * what a core cannot, and what a new life of the node must find.
 */

import type { RecoveredLog, StoreLog } from '../../actors/log-store/log-store-messages.js';
import type { HardState } from '../../actors/raft/effects.js';
import { EntryReader } from '../../actors/raft/entry.js';
import type { Incarnation, LastIncluded } from '../../ids.js';

export class DurableLog {
  /** Whose memory this is. */
  readonly incarnation: Incarnation;
  hardState: HardState | null = null;
  /** What the log begins behind: everything up to here is held, in a snapshot at least. */
  #baseIndex = 0;
  #baseTerm = 0;
  /** By index; 0 where it is not known. */
  #terms: number[] = [0];
  readonly #reader = new EntryReader();

  constructor(incarnation: Incarnation) {
    this.incarnation = incarnation;
  }

  get isEmpty(): boolean {
    return this.hardState === null && this.lastIndex === 0;
  }

  get lastIndex(): number {
    return Math.max(this.#terms.length - 1, this.#baseIndex);
  }

  /** Is this entry held, or what has come of it? */
  has(index: number, term: number): boolean {
    return index < this.#baseIndex || this.termAt(index) === term;
  }

  /** 0 where it is not known. */
  termAt(index: number): number {
    return index === this.#baseIndex ? this.#baseTerm : (this.#terms[index] ?? 0);
  }

  stored({ hardState, reset, append }: StoreLog): void {
    if (hardState !== null) this.hardState = hardState;
    if (reset !== null) this.#begin(reset);
    if (append === null) return;
    this.#terms.length = append.firstIndex;
    this.#append(new Uint8Array(append.entries));
  }

  /** A new life has found this. Returns what it should have found and has not; null: all is well. */
  recovered({ hardState, base, pieces }: RecoveredLog): string | null {
    const before = this.#terms;
    const beforeLast = this.lastIndex;
    const known = this.hardState;
    this.hardState = hardState;
    this.#begin(base);
    for (const piece of pieces) this.#append(new Uint8Array(piece));
    return this.#hardStateLost(known) ?? this.#entriesLost(before, beforeLast);
  }

  #hardStateLost(known: HardState | null): string | null {
    if (known === null) return null;
    const found = this.hardState;
    if (found === null || found.term < known.term) return `term ${known.term} is forgotten`;
    const isVoteKept = found.term > known.term || known.votedFor === null || found.votedFor === known.votedFor;
    return isVoteKept ? null : `the vote for ${known.votedFor} in term ${known.term} is forgotten`;
  }

  #entriesLost(before: readonly number[], beforeLast: number): string | null {
    for (let index = this.#baseIndex + 1; index <= beforeLast; index++) {
      const [term, found] = [before[index] ?? 0, this.#terms[index] ?? 0];
      if (found === term) continue;
      // A leader of a later term was about to replace it from here on, and the disk has had that, too: what stands
      // there in its log may be of an earlier term all the same.
      if (found !== 0 && (this.hardState?.term ?? 0) > term) return null;
      return `entry ${index} of term ${term} is lost`;
    }
    return null;
  }

  #begin({ index, term }: LastIncluded): void {
    this.#baseIndex = index;
    this.#baseTerm = term;
    this.#terms = this.#terms.slice(0, index + 1);
    while (this.#terms.length <= index) this.#terms.push(0);
  }

  #append(entries: Uint8Array): void {
    const reader = this.#reader;
    reader.reset(entries);
    while (reader.next()) this.#terms[reader.index] = reader.term;
  }
}

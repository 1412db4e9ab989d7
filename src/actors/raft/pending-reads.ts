/**
 * Reads of this node's own callers that wait for an index at which they may run (Raft thesis §6.4). A read waits for a
 * ticket: while this node leads, the round that will confirm it; otherwise the number of a question to the leader.
 */

import type { LogIndex } from '../../ids.js';

export interface PendingRead {
  readonly readId: number;
  readonly lease: boolean;
  readonly expiresAtMs: number;
  /** What the read waits for: this or a later one. Null: it has asked nobody yet. */
  ticket: number | null;
  askedAtMs: number;
  /** While this node leads: the index at which the read may run once its round is confirmed. */
  index: LogIndex | null;
}

export class PendingReads {
  #reads: PendingRead[] = [];

  get isEmpty(): boolean {
    return this.#reads.length === 0;
  }

  add(readId: number, lease: boolean, expiresAtMs: number): void {
    this.#reads.push({ readId, lease, expiresAtMs, ticket: null, askedAtMs: 0, index: null });
  }

  /** The reads that have asked nobody yet. */
  unasked(): PendingRead[] {
    return this.#reads.filter((read) => read.ticket === null);
  }

  /** Those of one kind that have asked nobody yet, or so long ago that question or answer must have been lost. */
  toAsk(lease: boolean, askedBeforeMs: number): PendingRead[] {
    return this.#reads.filter(
      (read) => read.lease === lease && (read.ticket === null || read.askedAtMs < askedBeforeMs),
    );
  }

  /** Removes the reads for which `isDone` and returns them. */
  take(isDone: (read: PendingRead) => boolean): PendingRead[] {
    const done = this.#reads.filter(isDone);
    if (done.length > 0) this.#reads = this.#reads.filter((read) => !done.includes(read));
    return done;
  }

  /** Whoever was asked may never answer, and is not the one to ask any more: all ask anew. */
  forgetTickets(): void {
    for (const read of this.#reads) {
      read.ticket = null;
      read.index = null;
    }
  }
}

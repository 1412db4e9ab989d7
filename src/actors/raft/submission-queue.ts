/**
 * Which of this node's own submissions are under way, as the shell knows them: it translates "applied up to sequence
 * number n of session s", which the objects report, into the number of payloads that the core may let go.
 */

import type { SessionId } from '../../ids.js';

interface Submission {
  /** 0 for the request to open a session. */
  readonly session: SessionId | 0;
  readonly firstSeq: number;
}

export class SubmissionQueue {
  /** In the order of submission; what is before `#head` has been let go. */
  #submissions: Submission[] = [];
  #head = 0;
  /**
   * Sessions up to this one are no more; ids only grow. A block of one may still come from a caller who did not know.
   */
  #lastExpired = 0;

  push(session: SessionId | 0, firstSeq: number): void {
    this.#submissions.push({ session, firstSeq });
  }

  /** How many more have been done with, given how far the objects have come; counts each once. */
  takeDone(opened: SessionId | null, nextSeq: number, expired: SessionId | null): number {
    this.#lastExpired = Math.max(this.#lastExpired, expired ?? 0);
    let count = 0;
    for (; this.#head < this.#submissions.length; this.#head++, count++) {
      const { session, firstSeq } = this.#submissions[this.#head]!;
      // Objects that start anew go through old sessions again: those open nothing.
      const isDone =
        session === 0
          ? (opened ?? 0) > this.#lastExpired
          : session <= this.#lastExpired || (session === opened && firstSeq < nextSeq);
      if (!isDone) break;
    }
    this.#trim();
    return count;
  }

  #trim(): void {
    if (this.#head < 1024 && this.#head < this.#submissions.length) return;
    this.#submissions = this.#submissions.slice(this.#head);
    this.#head = 0;
  }
}

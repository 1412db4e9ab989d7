/**
 * Which sessions exist and how far each has come: the replicated half of exactly-once (Raft thesis §6.3). Part of the
 * state of the machine, hence the same on every node at the same index. A session that was evicted is refused for ever,
 * for its id is the index of the entry that opened it and never comes again.
 */

import type { SessionId } from '../../ids.js';

/** What is to become of a block. */
export type Verdict =
  /** It is the next one of its session: apply it. */
  | 'apply'
  /** It was applied before: skip it. */
  | 'duplicate'
  /** One before it is missing: skip it, its sender will send both again. */
  | 'gap'
  /** Its session was never opened, or has been evicted: refuse it for ever. */
  | 'unknown session';

export class SessionTable {
  readonly #sessionsMax: number;
  /** The next sequence number of each session; the least recently used session comes first. */
  readonly #nextSeq = new Map<SessionId, number>();

  constructor(sessionsMax: number) {
    this.#sessionsMax = sessionsMax;
  }

  open(session: SessionId): void {
    this.#nextSeq.set(session, 1);
    if (this.#nextSeq.size > this.#sessionsMax) this.#nextSeq.delete(this.#nextSeq.keys().next().value!);
  }

  /** Judges a block and, when it is to be applied, counts it. */
  admit(session: SessionId, firstSeq: number, count: number): Verdict {
    const nextSeq = this.#nextSeq.get(session);
    if (nextSeq === undefined) return 'unknown session';
    if (firstSeq > nextSeq) return 'gap';
    if (firstSeq < nextSeq) return 'duplicate';
    this.#nextSeq.delete(session);
    this.#nextSeq.set(session, firstSeq + count);
    return 'apply';
  }
}

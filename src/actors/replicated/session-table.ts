/**
 * Which sessions exist and how far each has come: the replicated half of exactly-once (Raft thesis §6.3). Part of the
 * state of the machine, hence the same on every node at the same index. A session that was evicted is refused for ever,
 * for its id is the index of the entry that opened it and never comes again.
 */

import { sessionId, type SessionId } from '../../ids.js';

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

interface Session {
  nextSeq: number;
  /** The life of the node that opened it, in hex. */
  readonly life: string;
}

/** One session in a snapshot; the least recently used comes first. */
export type SavedSession = readonly [session: number, nextSeq: number, life: string];

export class SessionTable {
  readonly #sessionsMax: number;
  /** The least recently used session comes first. */
  readonly #sessions = new Map<SessionId, Session>();
  /** The session of each life. A life has one at a time. */
  readonly #byLife = new Map<string, SessionId>();

  constructor(sessionsMax: number) {
    this.#sessionsMax = sessionsMax;
  }

  /** Does nothing for a life that has a session: its request was sent twice. */
  open(session: SessionId, life: string): void {
    if (this.#byLife.has(life)) return;
    this.#add(session, { nextSeq: 1, life });
    if (this.#sessions.size <= this.#sessionsMax) return;
    const [oldest, { life: evicted }] = this.#sessions.entries().next().value!;
    this.#sessions.delete(oldest);
    this.#byLife.delete(evicted);
  }

  /** Judges a block and, when it is to be applied, counts it. */
  admit(id: SessionId, firstSeq: number, count: number): Verdict {
    const session = this.#sessions.get(id);
    if (session === undefined) return 'unknown session';
    if (firstSeq > session.nextSeq) return 'gap';
    if (firstSeq < session.nextSeq) return 'duplicate';
    session.nextSeq = firstSeq + count;
    this.#sessions.delete(id);
    this.#sessions.set(id, session);
    return 'apply';
  }

  /** The session of this life, and the sequence number that it expects; null: it has none, or none any more. */
  openedBy(life: string): { readonly session: SessionId; readonly nextSeq: number } | null {
    const session = this.#byLife.get(life);
    return session === undefined ? null : { session, nextSeq: this.#sessions.get(session)!.nextSeq };
  }

  save(): SavedSession[] {
    return [...this.#sessions].map(([session, { nextSeq, life }]) => [session, nextSeq, life]);
  }

  restore(saved: readonly SavedSession[]): void {
    this.#sessions.clear();
    this.#byLife.clear();
    for (const [session, nextSeq, life] of saved) this.#add(sessionId(session), { nextSeq, life });
  }

  #add(id: SessionId, session: Session): void {
    this.#sessions.set(id, session);
    this.#byLife.set(session.life, id);
  }
}

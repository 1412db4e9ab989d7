/**
 * What a leader knows of one peer: how far its log is known to match, what is on its way, and which of the leader's
 * rounds it has answered. Lives in the leader's record only.
 */

import { assert } from '../../assert.js';
import { logIndex, type LogIndex, type NodeId } from '../../ids.js';

/**
 * How entries are sent to a peer.
 *
 * - `probe`: where its log matches is unknown; one message at a time.
 * - `replicate`: messages follow each other without waiting, up to the in-flight limits.
 * - `snapshot`: it needs what the log no longer has; nothing but heartbeats until it has the snapshot.
 */
export type ProgressState = 'probe' | 'replicate' | 'snapshot';

export interface InflightLimits {
  readonly inflightMessagesMax: number;
  readonly inflightBytesMax: number;
}

interface Inflight {
  readonly lastIndex: LogIndex;
  readonly bytes: number;
}

export class Progress {
  readonly id: NodeId;
  /** Echoed by the peer; a reply with another one belongs to an earlier tracking of it. */
  readonly session: number;
  state: ProgressState = 'probe';
  /** The peer's log equals the leader's up to here. Invariant: 0 <= matchIndex < nextIndex; never goes down. */
  matchIndex = logIndex(0);
  /** The next entry to send. */
  nextIndex: LogIndex;
  /** The peer answered this round of the leader. Never goes down. */
  ackedRound = 0;
  /** The first round, counted from 1, that it answered; 0: none yet. */
  firstAckedRound = 0;
  /** When the peer last answered this leader. */
  ackedAtMs = -Infinity;
  /** A learner is to reach this index, as which the log ended then. Null: it has yet to begin. */
  catchUp: { readonly index: LogIndex; readonly sinceMs: number } | null = null;
  /** The last round, and the highest commit index, that a message to the peer has carried. */
  sentRound = 0;
  sentCommit = logIndex(0);
  /** The peer's own callers wait for this to be committed: it is told of it without delay. */
  wantedCommit = logIndex(0);
  /** In `probe`: the message is out, and the next one waits for its reply or for the next heartbeat. */
  isProbeSent = false;
  readonly #limits: InflightLimits;
  /** Messages sent and not acknowledged, by index; those before `#head` have been acknowledged. */
  #inflight: Inflight[] = [];
  #head = 0;
  #inflightBytes = 0;

  constructor(id: NodeId, session: number, nextIndex: LogIndex, limits: InflightLimits) {
    this.id = id;
    this.session = session;
    this.nextIndex = nextIndex;
    this.#limits = limits;
  }

  get isIdle(): boolean {
    return this.#head === this.#inflight.length;
  }

  /** The peer has answered this round. */
  answered(round: number, nowMs: number): void {
    this.ackedRound = Math.max(this.ackedRound, round);
    if (this.firstAckedRound === 0) this.firstAckedRound = round;
    this.ackedAtMs = nowMs;
  }

  /** May entries be sent now? */
  get maySend(): boolean {
    if (this.state === 'probe') return !this.isProbeSent;
    if (this.state === 'snapshot') return false;
    const { inflightMessagesMax, inflightBytesMax } = this.#limits;
    return this.#inflight.length - this.#head < inflightMessagesMax && this.#inflightBytes < inflightBytesMax;
  }

  /** Entries up to `lastIndex` have been sent. */
  sent(lastIndex: LogIndex, bytes: number): void {
    if (this.state === 'probe') {
      this.isProbeSent = true;
      return;
    }
    assert(lastIndex >= this.nextIndex, 'entries are sent once while replicating');
    this.#inflight.push({ lastIndex, bytes });
    this.#inflightBytes += bytes;
    this.nextIndex = logIndex(lastIndex + 1);
  }

  /** The peer's log matches up to `index`. Returns whether that is news. */
  matched(index: LogIndex): boolean {
    while (this.#head < this.#inflight.length && this.#inflight[this.#head]!.lastIndex <= index) {
      this.#inflightBytes -= this.#inflight[this.#head++]!.bytes;
    }
    if (this.#head === this.#inflight.length) this.#forgetInflight();
    else if (this.#head >= 1024) this.#trim();
    const isNews = index > this.matchIndex;
    if (isNews) this.matchIndex = index;
    if (this.nextIndex <= this.matchIndex) this.nextIndex = logIndex(this.matchIndex + 1);
    return isNews;
  }

  becomeReplicate(): void {
    this.state = 'replicate';
    this.isProbeSent = false;
    this.#forgetInflight();
    this.nextIndex = logIndex(this.matchIndex + 1);
  }

  /** Looks for the match from `nextIndex` downwards. */
  becomeProbe(nextIndex: LogIndex): void {
    this.state = 'probe';
    this.isProbeSent = false;
    this.#forgetInflight();
    this.nextIndex = logIndex(Math.max(nextIndex, this.matchIndex + 1));
  }

  becomeSnapshot(): void {
    this.state = 'snapshot';
    this.isProbeSent = false;
    this.#forgetInflight();
  }

  #trim(): void {
    this.#inflight = this.#inflight.slice(this.#head);
    this.#head = 0;
  }

  #forgetInflight(): void {
    this.#inflight.length = 0;
    this.#head = 0;
    this.#inflightBytes = 0;
  }
}

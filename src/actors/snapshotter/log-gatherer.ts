/**
 * Gathers a range of the log where it is in consensus' memory only: asks for it, and waits until all of it has come, in
 * pieces that become the fold's. Part of the Snapshotter.
 */

import { assert } from '../../assert.js';
import { ConclaveError } from '../../errors.js';
import type { LogIndex } from '../../ids.js';
import type { ActorRef } from '../../runtime/actor.js';
import type { Clock } from '../../runtime/clock.js';
import type { RaftActorMessage } from '../raft/raft-actor-messages.js';
import type { LogPiece } from './snapshotter-messages.js';

/** Consensus answers piece by piece, at each of its turns. */
const PIECE_TIMEOUT_MS = 30_000;

interface Gathering {
  readonly read: number;
  readonly pieces: ArrayBuffer[];
  /** When the last piece came. */
  heardMs: number;
  readonly resolve: (pieces: ArrayBuffer[]) => void;
  readonly reject: (error: Error) => void;
}

export class LogGatherer {
  readonly #raft: ActorRef<RaftActorMessage>;
  readonly #clock: Clock;
  #reads = 0;
  #current: Gathering | null = null;

  constructor(raft: ActorRef<RaftActorMessage>, clock: Clock) {
    this.#raft = raft;
    this.#clock = clock;
  }

  /**
   * The entries from `firstIndex` to `lastIndex`. One at a time.
   *
   * @throws ConclaveError `ERR_COMPACTION_FAILED` when consensus no longer has them or does not answer,
   *   `ERR_MAILBOX_FULL` when it has no time; and the signal's reason.
   */
  async gather(firstIndex: LogIndex, lastIndex: LogIndex, signal: AbortSignal): Promise<ArrayBuffer[]> {
    assert(this.#current === null, 'one range of the log is gathered at a time');
    this.#reads += 1;
    const read = this.#reads;
    const onAbort = (): void => this.#current?.reject(signal.reason as Error);
    try {
      return await new Promise<ArrayBuffer[]>((resolve, reject) => {
        this.#current = { read, pieces: [], heardMs: this.#clock.nowMs(), resolve, reject };
        signal.addEventListener('abort', onAbort);
        this.#raft.tell({ type: 'readLog', read, firstIndex, lastIndex });
      });
    } finally {
      signal.removeEventListener('abort', onAbort);
      this.#current = null;
    }
  }

  /** A piece that an earlier request had asked for is dropped. */
  onPiece({ read, entries, isLast }: LogPiece): void {
    const current = this.#current;
    if (current === null || current.read !== read) return;
    if (entries === null) {
      current.reject(failed('consensus no longer has the entries that the snapshot was to take in'));
      return;
    }
    current.heardMs = this.#clock.nowMs();
    current.pieces.push(entries);
    if (isLast) current.resolve(current.pieces);
  }

  tick(nowMs: number): void {
    const current = this.#current;
    if (current === null || nowMs - current.heardMs < PIECE_TIMEOUT_MS) return;
    current.reject(failed(`consensus has not sent the log within ${PIECE_TIMEOUT_MS} ms`));
  }
}

function failed(why: string): ConclaveError {
  return new ConclaveError('ERR_COMPACTION_FAILED', `No snapshot could be taken: ${why}.`);
}

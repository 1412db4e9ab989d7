/**
 * Reading the log for the Snapshotter where entries are in memory only: piece by piece, so that consensus is never busy
 * with it for long. Part of the shell, on the consensus thread.
 */

import { logIndex, type LogIndex } from '../../ids.js';
import type { LogPiece } from '../snapshotter/snapshotter-messages.js';
import type { ReadLog } from './raft-actor-messages.js';
import type { RaftLog } from './raft-log.js';

const PIECE_BYTES = 512 * 1024;

export class LogReads {
  /** What is still to be read; null: nothing. A new request takes the place of an old one, whose asker has given up. */
  #pending: { readonly read: number; nextIndex: LogIndex; readonly lastIndex: LogIndex } | null = null;
  /** What has been read, and not handed over; null: nothing. */
  #piece: LogPiece | null = null;

  start({ read, firstIndex, lastIndex }: ReadLog): void {
    this.#pending = { read, nextIndex: firstIndex, lastIndex };
    this.#piece = null;
  }

  /** The next piece, copied, until it has been handed over; null when nothing is left to read. */
  next(log: RaftLog): LogPiece | null {
    this.#piece ??= this.#read(log);
    return this.#piece;
  }

  handedOver(): void {
    this.#piece = null;
  }

  #read(log: RaftLog): LogPiece | null {
    const pending = this.#pending;
    if (pending === null) return null;
    const { read, nextIndex, lastIndex } = pending;
    if (nextIndex < log.firstIndex || lastIndex > log.lastIndex) {
      this.#pending = null;
      return { type: 'logPiece', read, entries: null, isLast: true };
    }
    const piece = log.slice(nextIndex, lastIndex, PIECE_BYTES);
    const isLast = piece.lastIndex === lastIndex;
    if (isLast) this.#pending = null;
    else pending.nextIndex = logIndex(piece.lastIndex + 1);
    return { type: 'logPiece', read, entries: piece.bytes.slice().buffer, isLast };
  }
}

/**
 * Hands committed entries to the node's objects, in order and as far as they keep up. Part of the shell, on the consensus
 * thread; it knows one machine at a time, so that nothing is mixed up with what was meant for another one.
 */

import { logIndex, type LogIndex } from '../../ids.js';
import type { ActorRef } from '../../runtime/actor.js';
import type { MachineMessage } from '../replicated/machine-messages.js';
import type { RaftLog } from './raft-log.js';

/** Entries go to the objects in pieces of about this size, so that one piece never blocks their thread for long. */
const PIECE_BYTES = 512 * 1024;
/** Pieces on their way to the objects: well below what their mailbox holds, however small the pieces are. */
const PIECES_MAX = 1024;

export class MachineFeed {
  readonly #machine: ActorRef<MachineMessage>;
  /** Bytes that may be on their way; the rest waits in the log. */
  readonly #bytesMax: number;
  /** The machine that is fed; null until there is one. */
  #machineId: number | null = null;
  /** Invariant: appliedIndex <= sentIndex. */
  #sentIndex = logIndex(0);
  #appliedIndex = logIndex(0);
  /** The last index of each piece on its way, and its size. */
  #pieces: { readonly lastIndex: LogIndex; readonly bytes: number }[] = [];
  #piecesBytes = 0;
  #appliedBytes = 0;

  constructor(machine: ActorRef<MachineMessage>, bytesMax: number) {
    this.#machine = machine;
    this.#bytesMax = bytesMax;
  }

  /** How far the objects have come; of an earlier machine, until there is another one. */
  get appliedIndex(): LogIndex {
    return this.#appliedIndex;
  }

  /** Bytes of all entries that objects have applied, by every machine that has applied them. */
  get appliedBytes(): number {
    return this.#appliedBytes;
  }

  /** There is a machine, and it holds everything up to `index`. */
  start(machineId: number, index: LogIndex): void {
    this.#machineId = machineId;
    this.#sentIndex = index;
    this.#appliedIndex = index;
    this.#pieces = [];
    this.#piecesBytes = 0;
  }

  /** This machine has applied everything up to `index`. Returns whether it is the one that is fed. */
  applied(machineId: number, index: LogIndex): boolean {
    if (machineId !== this.#machineId) return false;
    this.#appliedIndex = index;
    while (this.#pieces.length > 0 && this.#pieces[0]!.lastIndex <= index) {
      const { bytes } = this.#pieces.shift()!;
      this.#piecesBytes -= bytes;
      this.#appliedBytes += bytes;
    }
    return true;
  }

  /** Copies entries up to `commitIndex` to the objects, as far as they keep up. */
  feed(log: RaftLog, commitIndex: LogIndex): void {
    const machineId = this.#machineId;
    if (machineId === null) return;
    while (this.#sentIndex < commitIndex && this.#piecesBytes < this.#bytesMax && this.#pieces.length < PIECES_MAX) {
      const pieceBytes = Math.min(PIECE_BYTES, this.#bytesMax);
      const piece = log.slice(logIndex(this.#sentIndex + 1), commitIndex, pieceBytes);
      const entries = piece.bytes.slice().buffer;
      this.#pieces.push({ lastIndex: piece.lastIndex, bytes: entries.byteLength });
      this.#piecesBytes += entries.byteLength;
      this.#sentIndex = piece.lastIndex;
      this.#machine.tell({ type: 'applyEntries', machineId, entries }, [entries]);
    }
  }
}

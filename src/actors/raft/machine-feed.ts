/**
 * Hands committed entries to the objects of one machine, in order and as far as they keep up. Part of the shell, on the
 * consensus thread; it knows one machine at a time, so that nothing is mixed up with what was meant for the one that
 * was in its place before.
 */

import { logIndex, type LogIndex } from '../../ids.js';
import type { ActorRef } from '../../runtime/actor.js';
import { tellOrDrop } from '../../runtime/tell-or-drop.js';
import type { MachineMessage } from '../replicated/machine-messages.js';
import type { MachineReady } from './raft-actor-messages.js';
import type { RaftLog } from './raft-log.js';

/** Entries go to the objects in pieces of about this size, so that one piece never blocks their thread for long. */
const PIECE_BYTES = 512 * 1024;
/** Pieces on their way to the objects: well below what their mailbox holds, however small the pieces are. */
const PIECES_MAX = 1024;

export class MachineFeed {
  readonly #machine: ActorRef<MachineMessage>;
  /** Bytes that may be on their way; the rest waits in the log. */
  readonly #bytesMax: number;
  readonly #pieceBytes: number;
  /** The machine that is fed; null until there is one. */
  #machineId: number | null = null;
  /** Invariant: appliedIndex <= sentIndex. */
  #sentIndex = logIndex(0);
  #appliedIndex = logIndex(0);
  /** The last index of each piece on its way, and its size. */
  #pieces: { readonly lastIndex: LogIndex; readonly bytes: number }[] = [];
  #piecesBytes = 0;
  #appliedBytes = 0;
  #base: MachineReady['snapshot'] = null;
  #codeVersion = 0;
  /**
   * What has been sent and the slowest machine of the node has not applied: where each part of it ends, and its size.
   */
  #lead: { lastIndex: LogIndex; bytes: number }[] = [];
  #leadBytes = 0;

  constructor(machine: ActorRef<MachineMessage>, bytesMax: number) {
    this.#machine = machine;
    this.#bytesMax = bytesMax;
    this.#pieceBytes = Math.min(PIECE_BYTES, bytesMax);
  }

  /** How far the objects have come; of an earlier machine, until there is another one. */
  get appliedIndex(): LogIndex {
    return this.#appliedIndex;
  }

  /** Bytes of all entries that objects have applied, by every machine that has applied them. */
  get appliedBytes(): number {
    return this.#appliedBytes;
  }

  /** The snapshot that the machine has begun with; null: it began with nothing. */
  get base(): MachineReady['snapshot'] {
    return this.#base;
  }

  /** The code version that is in force where the objects are. */
  get codeVersion(): number {
    return this.#codeVersion;
  }

  /** There is a machine, and it holds everything that is in this snapshot. */
  start(machineId: number, snapshot: MachineReady['snapshot']): void {
    const index = snapshot?.lastIncluded.index ?? logIndex(0);
    this.#machineId = machineId;
    this.#base = snapshot;
    this.#codeVersion = 0;
    this.#lead = [];
    this.#leadBytes = 0;
    this.#sentIndex = index;
    this.#appliedIndex = index;
    this.#pieces = [];
    this.#piecesBytes = 0;
  }

  /** This machine has applied everything up to `index`. Returns whether it is the one that is fed. */
  applied(machineId: number, index: LogIndex, codeVersion: number): boolean {
    if (machineId !== this.#machineId) return false;
    this.#appliedIndex = index;
    this.#codeVersion = codeVersion;
    while (this.#pieces.length > 0 && this.#pieces[0]!.lastIndex <= index) {
      const { bytes } = this.#pieces.shift()!;
      this.#piecesBytes -= bytes;
      this.#appliedBytes += bytes;
    }
    return true;
  }

  /** All machines of the node have applied everything up to `index`. */
  noteSlowest(index: LogIndex): void {
    while (this.#lead.length > 0 && this.#lead[0]!.lastIndex <= index) this.#leadBytes -= this.#lead.shift()!.bytes;
  }

  /**
   * Copies entries up to `commitIndex` to the objects, as far as they keep up, and not much further than `leadBytesMax`
   * ahead of the slowest machine. Where others have left no room in their mailbox, the next call goes on.
   */
  feed(log: RaftLog, commitIndex: LogIndex, leadBytesMax: number): void {
    const machineId = this.#machineId;
    if (machineId === null) return;
    while (
      this.#sentIndex < commitIndex &&
      this.#piecesBytes < this.#bytesMax &&
      this.#pieces.length < PIECES_MAX &&
      this.#leadBytes < leadBytesMax
    ) {
      const piece = log.slice(logIndex(this.#sentIndex + 1), commitIndex, this.#pieceBytes);
      const entries = piece.bytes.slice().buffer;
      if (!tellOrDrop(this.#machine, { type: 'applyEntries', machineId, entries }, [entries])) return;
      const bytes = piece.bytes.length;
      this.#pieces.push({ lastIndex: piece.lastIndex, bytes });
      this.#piecesBytes += bytes;
      this.#sentIndex = piece.lastIndex;
      this.#noteLead(piece.lastIndex, bytes);
    }
  }

  /** Small pieces are noted together: there may be any number of them. */
  #noteLead(lastIndex: LogIndex, bytes: number): void {
    this.#leadBytes += bytes;
    const last = this.#lead.at(-1);
    if (last === undefined || last.bytes + bytes > this.#pieceBytes) {
      this.#lead.push({ lastIndex, bytes });
    } else {
      last.lastIndex = lastIndex;
      last.bytes += bytes;
    }
  }
}

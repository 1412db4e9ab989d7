/**
 * Gives other nodes the bytes of this node's snapshots, range by range, as they ask for them. Keeps no account of who
 * has got what. Part of the Snapshotter; what is being read is kept open until nobody has asked for a while, and what
 * is offered or read is not removed.
 */

import { crc32 } from '../../checksum.js';
import type { GroupId, NodeId } from '../../ids.js';
import type { Clock } from '../../runtime/clock.js';
import type { Logger } from '../../runtime/logger.js';
import type { ByteSource } from '../../storage/byte-source.js';
import type { SnapshotInfo } from '../../storage/snapshot-info.js';
import { readFully } from '../../storage/snapshot-chunks.js';
import { RANGE_BYTES_MAX } from '../../storage/snapshot-receiver.js';
import type { SnapshotStore } from '../../storage/snapshot-store.js';
import type { SnapshotPiece, SnapshotRequest } from '../raft/messages.js';

export interface SnapshotServerOptions {
  readonly group: GroupId;
  readonly self: NodeId;
  readonly store: SnapshotStore;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Sends a piece to another node; it may be lost. */
  readonly send: (to: NodeId, piece: SnapshotPiece) => void;
  /** Told that something is wrong with this one, or with whoever fetches it. */
  readonly onDoubt: (snapshot: SnapshotInfo) => void;
}

interface OpenSnapshot {
  readonly source: ByteSource;
  readonly bytes: number;
  usedMs: number;
}

interface OfferedSnapshot {
  offeredMs: number;
  /** Who has asked for the end of it, and not for its beginning since. */
  readonly fetchedBy: Set<NodeId>;
}

/** Nobody has asked for so long: who still wants it asks for another one, if this one is gone. */
const IDLE_MS = 30_000;
/** An honest peer has fewer under way. What is beyond is dropped, and asked for again if it was meant. */
const REQUESTS_PER_TURN_MAX = 8;

const NO_BYTES = new Uint8Array(0);

export class SnapshotServer {
  readonly #options: SnapshotServerOptions;
  /** By id. */
  readonly #open = new Map<string, OpenSnapshot>();
  /** By id. */
  readonly #offered = new Map<string, OfferedSnapshot>();
  /** How many requests of each peer were answered in this turn. */
  readonly #answered = new Map<NodeId, number>();

  constructor(options: SnapshotServerOptions) {
    this.#options = options;
  }

  /** Is somebody reading it, or about to? */
  isWanted({ id }: SnapshotInfo): boolean {
    return this.#open.has(id) || this.#offered.has(id);
  }

  /** Another node is offered this one, perhaps once more. Returns whether it is there. */
  offered(id: string): boolean {
    const { store, clock } = this.#options;
    if (!store.list().some((each) => each.id === id)) return false;
    const offered = this.#offered.get(id);
    if (offered === undefined) this.#offered.set(id, { offeredMs: clock.nowMs(), fetchedBy: new Set() });
    else offered.offeredMs = clock.nowMs();
    return true;
  }

  onRequest({ from, snapshotId, offset, length }: SnapshotRequest): void {
    const answered = this.#answered.get(from) ?? 0;
    if (answered >= REQUESTS_PER_TURN_MAX) return;
    this.#answered.set(from, answered + 1);
    const { group, self, send, logger } = this.#options;
    const piece = { type: 'snapshotPiece', group, from: self, snapshotId, offset } as const;
    try {
      const snapshot = this.#find(snapshotId);
      const bytes = snapshot === null ? NO_BYTES : read(snapshot, offset, Math.min(length, RANGE_BYTES_MAX));
      if (bytes !== null) send(from, { ...piece, bytes, crc: crc32(bytes) });
      if (snapshot !== null) this.#noteFetched(from, snapshotId, offset, offset + length >= snapshot.bytes);
    } catch (error) {
      logger.error({ error, snapshotId }, 'a snapshot that another node asks for cannot be read');
      this.#close(snapshotId);
      this.#doubt(snapshotId);
      send(from, { ...piece, bytes: NO_BYTES, crc: crc32(NO_BYTES) });
    }
  }

  /** A turn is over. */
  drained(): void {
    this.#answered.clear();
  }

  /** Closes what nobody reads any more. Returns whether anything is not wanted any more. */
  closeIdle(nowMs: number): boolean {
    const idle = [...this.#open].filter(([, { usedMs }]) => nowMs - usedMs >= IDLE_MS);
    const forgotten = [...this.#offered].filter(([, { offeredMs }]) => nowMs - offeredMs >= IDLE_MS);
    for (const [id] of idle) this.#close(id);
    for (const [id] of forgotten) this.#offered.delete(id);
    return idle.length + forgotten.length > 0;
  }

  close(): void {
    for (const id of [...this.#open.keys()]) this.#close(id);
  }

  /** Null: there is none of this id. */
  #find(id: string): OpenSnapshot | null {
    const { store, clock } = this.#options;
    let open = this.#open.get(id);
    if (open === undefined) {
      const snapshot = store.list().find((each) => each.id === id);
      if (snapshot === undefined) return null;
      open = { source: store.open(snapshot), bytes: snapshot.bytes, usedMs: 0 };
      this.#open.set(id, open);
    }
    open.usedMs = clock.nowMs();
    return open;
  }

  /** Who has had all of it, and begins anew, could make nothing of it. */
  #noteFetched(from: NodeId, id: string, offset: number, isEnd: boolean): void {
    const fetchedBy = this.#offered.get(id)?.fetchedBy;
    if (offset === 0 && fetchedBy?.delete(from) === true) this.#doubt(id);
    if (isEnd) fetchedBy?.add(from);
  }

  #doubt(id: string): void {
    const snapshot = this.#options.store.list().find((each) => each.id === id);
    if (snapshot !== undefined) this.#options.onDoubt(snapshot);
  }

  #close(id: string): void {
    const open = this.#open.get(id);
    this.#open.delete(id);
    open?.source.close();
  }
}

/** Null: nobody who knows how large the snapshot is asks for this. */
function read({ source, bytes }: OpenSnapshot, offset: number, length: number): Uint8Array | null {
  if (length <= 0 || offset >= bytes) return null;
  const piece = new Uint8Array(Math.min(length, bytes - offset));
  if (!readFully(source, piece, offset)) throw new Error(`The snapshot ends before its ${bytes} bytes do.`);
  return piece;
}

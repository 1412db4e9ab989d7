/**
 * A node's disk in memory: requests wait in order until `syncNext` makes the first one durable, and a crash loses those
 * that still wait. Keeps its own copy of the log, so that what is durable can be told apart from what the core
 * believes.
 */

import type { Configuration } from '../../../../../src/actors/raft/configuration.js';
import type { HardState, Store } from '../../../../../src/actors/raft/effects.js';
import { EntryReader, type EntryKind } from '../../../../../src/actors/raft/entry.js';
import { RaftLog } from '../../../../../src/actors/raft/raft-log.js';
import type { Recovered } from '../../../../../src/actors/raft/state.js';
import { logIndex, term as asTerm, type Incarnation, type LastIncluded, type Term } from '../../../../../src/ids.js';
import { contentOf } from '../content.js';
import type { MachineState } from './tiny-machine.js';

export interface Snapshot {
  readonly id: string;
  readonly lastIncluded: LastIncluded;
  readonly configuration: Configuration | null;
  readonly state: MachineState;
}

/** A snapshot from the leader. The log is told apart: by a store that begins it anew. */
export interface InstallOnDisk {
  readonly type: 'install';
  readonly snapshot: Snapshot;
}

export type DiskRequest = Store | InstallOnDisk;

interface DiskEntry {
  readonly kind: EntryKind;
  readonly term: Term;
  readonly timestampMs: number;
  readonly payload: Uint8Array;
}

const NOTHING: LastIncluded = { index: logIndex(0), term: asTerm(0), timestampMs: 0 };

export class SimDisk {
  /** Whose memory this is. */
  readonly incarnation: Incarnation;
  hardState: HardState | null = null;
  /** The newest one, and the one before it. */
  snapshot: Snapshot | null = null;
  #olderSnapshot: Snapshot | null = null;
  /** What the log begins behind. Invariant: not behind the newest snapshot. */
  #base = NOTHING;
  /** The first one is behind the base. */
  #entries: DiskEntry[] = [];
  #pending: DiskRequest[] = [];
  /** What holds before the log's first entry; null: there is no cluster. */
  readonly #founded: Configuration | null;
  readonly #reader = new EntryReader();

  constructor(incarnation: Incarnation, founded: Configuration | null) {
    this.incarnation = incarnation;
    this.#founded = founded;
  }

  get snapshotIndex(): number {
    return this.snapshot?.lastIncluded.index ?? 0;
  }

  get lastIndex(): number {
    return this.#isLogOfUse ? this.#base.index + this.#entries.length : this.snapshotIndex;
  }

  get pending(): readonly DiskRequest[] {
    return this.#pending;
  }

  /** Null where the disk does not know. */
  termAt(index: number): number | null {
    if (index === this.snapshotIndex) return this.snapshot?.lastIncluded.term ?? 0;
    return this.#isLogOfUse ? this.#loggedTermAt(index) : null;
  }

  /** A snapshot that is kept. */
  snapshotNamed(id: string): Snapshot | null {
    return [this.snapshot, this.#olderSnapshot].find((snapshot) => snapshot?.id === id) ?? null;
  }

  request(request: DiskRequest): void {
    this.#pending.push(request);
  }

  /** Makes the first request durable and returns it; undefined if none waits. */
  syncNext(): DiskRequest | undefined {
    const request = this.#pending.shift();
    if (request?.type === 'install') this.#keep(request.snapshot);
    if (request?.type === 'store') {
      if (request.hardState !== null) this.hardState = request.hardState;
      if (request.reset !== null) {
        this.#base = request.reset;
        this.#entries = [];
      }
      if (request.append !== null) this.#append(request.append.firstIndex, request.append.entries);
    }
    return request;
  }

  /** Forgets the requests that wait. */
  crash(): void {
    this.#pending = [];
  }

  /**
   * Keeps `snapshot`, and drops the log up to it, or, if the older one is to be of use still, up to that. Returns the
   * index up to which it has dropped the log.
   */
  compact(snapshot: Snapshot, isOlderOfUse: boolean): number {
    this.#keep(snapshot);
    const index = isOlderOfUse ? (this.#olderSnapshot?.lastIncluded.index ?? 0) : this.snapshotIndex;
    if (index > this.#base.index) {
      const count = index - this.#base.index;
      const { term, timestampMs } = this.#entries[count - 1]!;
      this.#entries = this.#entries.slice(count);
      this.#base = { index: logIndex(index), term, timestampMs };
    }
    return this.#base.index;
  }

  /**
   * What a node starts with: the log behind the newest snapshot, or, where there is such a log, behind the older one.
   */
  recover(fromOlder: boolean): Recovered {
    if (!this.#isLogOfUse) {
      this.#base = this.snapshot!.lastIncluded;
      this.#entries = [];
    }
    const older = this.#olderSnapshot;
    const isOlderOfUse = fromOlder && older !== null && older.lastIncluded.index >= this.#base.index;
    const snapshot = isOlderOfUse ? older : this.snapshot;
    const log = new RaftLog();
    log.resetTo(this.#base);
    for (const { kind, term, timestampMs, payload } of this.#entries) {
      log.append(contentOf(kind, payload), term, timestampMs);
    }
    log.dropTo(snapshot?.lastIncluded.index ?? logIndex(0));
    return {
      hardState: this.hardState,
      log,
      configuration: snapshot === null ? this.#founded : snapshot.configuration,
    };
  }

  /**
   * Does the log go on from the snapshot? It does not, where a snapshot has come and the log was not begun anew yet.
   */
  get #isLogOfUse(): boolean {
    return this.snapshot === null || this.#loggedTermAt(this.snapshotIndex) === this.snapshot.lastIncluded.term;
  }

  #loggedTermAt(index: number): number | null {
    if (index === this.#base.index) return this.#base.term;
    return this.#entries[index - this.#base.index - 1]?.term ?? null;
  }

  #keep(snapshot: Snapshot): void {
    if (snapshot.lastIncluded.index <= this.snapshotIndex) return;
    this.#olderSnapshot = this.snapshot;
    this.snapshot = snapshot;
  }

  #append(firstIndex: number, entries: Uint8Array): void {
    const position = firstIndex - this.#base.index - 1;
    if (position < 0 || position > this.#entries.length) {
      throw new Error(`a gap on disk: ${firstIndex} in ${this.#base.index + 1} and ${this.#entries.length} more`);
    }
    this.#entries.length = position;
    const reader = this.#reader;
    reader.reset(entries);
    while (reader.next()) {
      const payload = entries.subarray(reader.payloadStart, reader.payloadEnd);
      this.#entries.push({ kind: reader.kind, term: reader.term, timestampMs: reader.timestampMs, payload });
    }
  }
}

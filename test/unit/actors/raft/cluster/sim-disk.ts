/**
 * A node's disk in memory: requests wait in order until `syncNext` makes the first one durable, and a crash loses those
 * that still wait. Keeps its own copy of the log, so that what is durable can be told apart from what the core believes.
 */

import type { HardState, Store } from '../../../../../src/actors/raft/effects.js';
import { EntryReader, type EntryKind } from '../../../../../src/actors/raft/entry.js';
import { RaftLog } from '../../../../../src/actors/raft/raft-log.js';
import type { Recovered } from '../../../../../src/actors/raft/state.js';
import { logIndex, type Term } from '../../../../../src/ids.js';
import type { MachineState } from './tiny-machine.js';

export interface Snapshot {
  readonly index: number;
  readonly term: Term;
  readonly state: MachineState;
}

/** A snapshot from the leader, which takes the place of the log. */
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

export class SimDisk {
  hardState: HardState | null = null;
  snapshot: Snapshot | null = null;
  /** The first one is at `snapshotIndex + 1`. */
  #entries: DiskEntry[] = [];
  #pending: DiskRequest[] = [];
  readonly #reader = new EntryReader();

  get snapshotIndex(): number {
    return this.snapshot?.index ?? 0;
  }

  get lastIndex(): number {
    return this.snapshotIndex + this.#entries.length;
  }

  get pending(): readonly DiskRequest[] {
    return this.#pending;
  }

  /** Null where the disk does not know. */
  termAt(index: number): number | null {
    if (index === this.snapshotIndex) return this.snapshot?.term ?? 0;
    return this.#entries[index - this.snapshotIndex - 1]?.term ?? null;
  }

  request(request: DiskRequest): void {
    this.#pending.push(request);
  }

  /** Makes the first request durable and returns it; undefined if none waits. */
  syncNext(): DiskRequest | undefined {
    const request = this.#pending.shift();
    if (request?.type === 'install') this.#install(request.snapshot);
    if (request?.type === 'store') {
      if (request.hardState !== null) this.hardState = request.hardState;
      if (request.append !== null) this.#append(request.append.firstIndex, request.append.entries);
    }
    return request;
  }

  /** Forgets the requests that wait. */
  crash(): void {
    this.#pending = [];
  }

  /** Keeps `snapshot` in place of the entries that it covers. */
  compact(snapshot: Snapshot): void {
    if (snapshot.index <= this.snapshotIndex) return;
    this.#entries = this.#entries.slice(snapshot.index - this.snapshotIndex);
    this.snapshot = snapshot;
  }

  recover(): Recovered {
    const log = new RaftLog();
    if (this.snapshot !== null) log.resetTo(logIndex(this.snapshot.index), this.snapshot.term);
    for (const { kind, term, timestampMs, payload } of this.#entries) log.append(kind, term, timestampMs, payload);
    return { hardState: this.hardState, log };
  }

  #install(snapshot: Snapshot): void {
    if (snapshot.index <= this.snapshotIndex) return;
    if (this.termAt(snapshot.index) === snapshot.term) return this.compact(snapshot);
    this.#entries = [];
    this.snapshot = snapshot;
  }

  #append(firstIndex: number, entries: Uint8Array): void {
    if (firstIndex > this.lastIndex + 1) throw new Error(`a gap on disk: ${firstIndex} after ${this.lastIndex}`);
    this.#entries.length = Math.min(this.#entries.length, Math.max(0, firstIndex - this.snapshotIndex - 1));
    const reader = this.#reader;
    reader.reset(entries);
    while (reader.next()) {
      if (reader.index <= this.snapshotIndex) continue;
      const payload = entries.subarray(reader.payloadStart, reader.payloadEnd);
      this.#entries.push({ kind: reader.kind, term: reader.term, timestampMs: reader.timestampMs, payload });
    }
  }
}

/**
 * The only writer of a node's write-ahead log: gathers records of all groups, and makes them durable with one vectored
 * write and one sync. It rolls to a next segment that was made ahead, begins each segment with what no segment before
 * it is needed for any more (term and vote of each group), and drops segments that snapshots have taken the place of.
 * Runs on the storage thread; every call may block for the disk. After a failure it refuses everything.
 *
 * What a crash may do at any point: a segment gets its name when it is whole; its predecessor's `end` record is durable
 * before its own first record is written; what was torn is ended where it was cut before anything new is written.
 */

import { assert } from '../../assert.js';
import { asError } from '../../errors.js';
import type { GroupId, LastIncluded, LogIndex } from '../../ids.js';
import type { Random } from '../../runtime/random.js';
import type { Disk, DiskFile } from '../../storage/disk.js';
import type { HardState } from '../raft/effects.js';
import { DroppedSegments } from './dropped-segments.js';
import { endSegment } from './end-segment.js';
import { NextSegment, type NewSegment } from './next-segment.js';
import { entriesRecord, hardStateRecord, resetRecord, segmentRecord, type PendingRecord } from './pending-record.js';
import { WalBatch } from './wal-batch.js';
import { isLeftover, SEGMENT_HEADER_BYTES, type SegmentHeader } from './wal-format.js';
import { recordBytes, RecordType } from './wal-record.js';
import type { ScannedSegment, WalScan } from './wal-scan.js';

export interface WalWriterOptions {
  readonly disk: Disk;
  /** An existing directory that nobody else writes to. */
  readonly directory: string;
  /** How large segments become. The first of a life is smaller, and one that a record does not fit into is larger. */
  readonly segmentBytes: number;
  readonly random: Random;
}

/** The size of the first segment of a life: making it delays the start. Each next one is twice as large. */
const FIRST_SEGMENT_BYTES = 4 * 1024 * 1024;
/** Kept free at the end of each segment: for an `end`, or a `mark`. */
const END_BYTES = recordBytes(0);
/** How full a segment is when making its successor begins, and when that must be done. */
const PREPARE_FROM = 0.5;
const PREPARE_UNTIL = 0.9;

export class WalWriter {
  readonly #options: WalWriterOptions;
  readonly #batch = new WalBatch();
  #pending: PendingRecord[] = [];
  /** The last of each group. */
  readonly #hardStates: Map<GroupId, PendingRecord>;
  /** The segments before the current one that are still there, in order. */
  readonly #closed: Pick<ScannedSegment, 'sequence' | 'lastIndexes'>[];
  readonly #dropped: DroppedSegments;
  readonly #dropIndexes = new Map<GroupId, LogIndex>();
  #header: SegmentHeader;
  #file: DiskFile;
  /** The last index of each group that a record of the current segment speaks of. */
  #lastIndexes = new Map<GroupId, number>();
  /** Where the next record goes. Invariant: what is before it in the segment is synced. */
  #offset = SEGMENT_HEADER_BYTES;
  /** Where a mark says that everything before it is synced. */
  #markOffset = SEGMENT_HEADER_BYTES;
  #next: NextSegment | null = null;
  /** What the disk has refused: from then on nothing is known of it. */
  #failure: Error | null = null;
  #isClosed = false;

  /**
   * Goes on behind what {@link scanWal} has found in the same directory: cuts off what was torn, makes durable all that
   * was found, and begins a new segment.
   *
   * @throws ConclaveError `ERR_STORAGE`; the directory can be scanned again then.
   */
  static start(options: WalWriterOptions, scan: WalScan): WalWriter {
    const { disk, directory, segmentBytes, random } = options;
    for (const name of disk.list(directory)) if (isLeftover(name)) disk.remove(`${directory}/${name}`);
    const hardStates = new Map<GroupId, PendingRecord>();
    for (const [group, { hardState }] of scan.groups) {
      if (hardState !== null) hardStates.set(group, hardStateRecord(group, hardState));
    }
    // An end that was written and not synced may be lost again: one segment without an end and two more behind it would
    // look like damage. So it is made durable before the third one has its name.
    for (const end of scan.ends.slice(0, -1)) endSegment(disk, end);
    const last = scan.segments.at(-1);
    const next = new NextSegment(disk, directory, {
      sequence: (last?.sequence ?? 0) + 1,
      seed: random.uint32(),
      segmentBytes: Math.min(FIRST_SEGMENT_BYTES, segmentBytes),
    });
    let writer: WalWriter | null = null;
    try {
      writer = new WalWriter(options, next.finish(bytesWith(hardStates, 0)), hardStates, scan.segments);
      for (const end of scan.ends.slice(-1)) endSegment(disk, end);
      writer.#addCheckpoint();
      writer.#flush();
      return writer;
    } catch (error) {
      next.close();
      writer?.release();
      throw error;
    }
  }

  private constructor(
    options: WalWriterOptions,
    { header, file }: NewSegment,
    hardStates: Map<GroupId, PendingRecord>,
    closed: readonly ScannedSegment[],
  ) {
    this.#options = options;
    this.#header = header;
    this.#file = file;
    this.#hardStates = hardStates;
    this.#closed = [...closed];
    this.#dropped = new DroppedSegments(options.disk, options.directory);
  }

  /** Gathers term and vote of a group. Durable after `commit`, in the order of the calls, like all that follows. */
  saveHardState(group: GroupId, hardState: HardState): void {
    this.#pending.push(hardStateRecord(group, hardState));
  }

  /**
   * Gathers encoded entries, which replace the group's entries from `firstIndex` on. They must not change before
   * `commit`.
   */
  append(group: GroupId, firstIndex: LogIndex, lastIndex: LogIndex, entries: Uint8Array): void {
    this.#pending.push(entriesRecord(group, firstIndex, lastIndex, entries));
  }

  /** Gathers that the group's log is empty from here on, and begins behind `base`. */
  reset(group: GroupId, base: LastIncluded): void {
    this.#pending.push(resetRecord(group, base));
  }

  /**
   * Makes durable all that was gathered. When it throws, nothing is known of that: the next start may find some of it.
   *
   * @throws ConclaveError `ERR_STORAGE`, from then on by every method.
   */
  commit(): void {
    this.#attempt(() => {
      for (const record of this.#pending) this.#addPending(record);
      this.#pending = [];
      this.#flush();
    });
  }

  /** Entries of the group up to `index` are not needed any more. `idle` removes the segments that hold no others. */
  drop(group: GroupId, index: LogIndex): void {
    if (index > (this.#dropIndexes.get(group) ?? 0)) this.#dropIndexes.set(group, index);
  }

  /**
   * Does a slice of what can wait, a millisecond or so: notes how much is durable, removes dropped segments, makes the
   * next one. To be called after each commit and drop, and again while it returns true: there is more to do.
   *
   * @throws ConclaveError `ERR_STORAGE`, from then on by every method.
   */
  idle(): boolean {
    return this.#attempt(() => {
      this.#mark();
      if (!this.#dropped.isEmpty) this.#dropped.step();
      else if (this.#isFirstDroppable()) this.#dropped.drop(this.#closed.shift()!.sequence);
      else if (this.#isNextLate()) this.#prepareNext().step();
      return !this.#dropped.isEmpty || this.#isFirstDroppable() || this.#isNextLate();
    });
  }

  /** Commits and closes the files, even if it throws. Nothing else may be called any more. */
  close(): void {
    try {
      this.commit();
      this.#attempt(() => {
        this.#mark();
        this.#file.sync();
      });
    } finally {
      this.release();
    }
  }

  /** Closes the files and writes nothing. May be called at any time and again; nothing else may be called after it. */
  release(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#next?.close();
    this.#dropped.close();
    this.#file.close();
  }

  #attempt<Result>(run: () => Result): Result {
    if (this.#failure !== null) throw this.#failure;
    assert(!this.#isClosed, 'a log that is closed is not written to');
    try {
      return run();
    } catch (error) {
      this.#failure = asError(error);
      throw error;
    }
  }

  #addPending(record: PendingRecord): void {
    const { type, group, lastIndex, payload } = record;
    const bytes = recordBytes(payload.length);
    if (this.#offset + this.#batch.bytes + bytes + END_BYTES > this.#header.segmentBytes) this.#roll(bytes);
    if (type === RecordType.hardState) this.#hardStates.set(group, record);
    else this.#lastIndexes.set(group, Math.max(lastIndex, this.#lastIndexes.get(group) ?? 0));
    this.#add(record);
  }

  #add(record: PendingRecord): void {
    this.#batch.add(record, this.#offset, this.#header.seed);
  }

  #addCheckpoint(): void {
    for (const record of this.#hardStates.values()) this.#add(record);
  }

  /** Writes and syncs the batch. */
  #flush(): void {
    if (this.#batch.bytes === 0) return;
    this.#file.write(this.#batch.buffers(), this.#offset);
    this.#file.sync();
    this.#offset += this.#batch.bytes;
    this.#batch.clear();
  }

  /** Writes the batch and goes on in the next segment, which has room for a record of this size. */
  #roll(recordSize: number): void {
    const { header, file } = this.#prepareNext().finish(bytesWith(this.#hardStates, recordSize));
    try {
      this.#add(segmentRecord(RecordType.end));
      this.#flush();
      this.#file.truncate(this.#offset);
    } catch (error) {
      file.close();
      throw error;
    }
    this.#next = null;
    this.#file.close();
    this.#closed.push({ sequence: this.#header.sequence, lastIndexes: this.#lastIndexes });
    this.#header = header;
    this.#file = file;
    this.#lastIndexes = new Map();
    this.#offset = SEGMENT_HEADER_BYTES;
    this.#markOffset = SEGMENT_HEADER_BYTES;
    this.#addCheckpoint();
  }

  /**
   * Writes behind the last record that everything before is durable: damage to the last one can then be told from a
   * torn end. Not synced, for it serves when the process ends and the machine does not.
   */
  #mark(): void {
    if (this.#markOffset === this.#offset) return;
    this.#add(segmentRecord(RecordType.mark));
    this.#file.write(this.#batch.buffers(), this.#offset);
    this.#batch.clear();
    this.#markOffset = this.#offset;
  }

  #isFirstDroppable(): boolean {
    const first = this.#closed[0];
    if (first === undefined) return false;
    for (const [group, lastIndex] of first.lastIndexes) {
      if (lastIndex > (this.#dropIndexes.get(group) ?? 0)) return false;
    }
    return true;
  }

  /** Is less of the next segment there than should be by now? The fuller the current one, the more. */
  #isNextLate(): boolean {
    const fullness = this.#offset / this.#header.segmentBytes;
    const due = Math.min(1, (fullness - PREPARE_FROM) / (PREPARE_UNTIL - PREPARE_FROM));
    return due > (this.#next?.progress ?? 0);
  }

  #prepareNext(): NextSegment {
    const { disk, directory, segmentBytes, random } = this.#options;
    this.#next ??= new NextSegment(disk, directory, {
      sequence: this.#header.sequence + 1,
      seed: random.uint32(),
      segmentBytes: Math.min(segmentBytes, Math.max(FIRST_SEGMENT_BYTES, this.#header.segmentBytes * 2)),
    });
    return this.#next;
  }
}

/** The size of a segment that begins with these records and has room for one of this size, and an end. */
function bytesWith(hardStates: ReadonlyMap<GroupId, PendingRecord>, recordSize: number): number {
  let bytes = SEGMENT_HEADER_BYTES + recordSize + END_BYTES;
  for (const { payload } of hardStates.values()) bytes += recordBytes(payload.length);
  return bytes;
}

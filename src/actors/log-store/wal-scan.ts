/**
 * Reads the whole write-ahead log once, at the start of a node, and judges it: what it holds, where a crash has torn
 * its end, and whether anything that was durable is damaged. Changes nothing: cutting the torn end is the writer's.
 *
 * A segment whose `end` record is there is followed by another one. The last one has none, for its successor gets its
 * name before and its first record after the `end` is durable: a successor without any record is not yet part of the
 * log. Where the last segment stops making sense, a whole record behind that place which says that the place had been
 * synced proves damage; otherwise what is there was never acknowledged, and a crash has torn it.
 */

import { nodeId, term, type GroupId } from '../../ids.js';
import type { Disk } from '../../storage/disk.js';
import { GroupLog } from './group-log.js';
import { ReadWindow, SegmentReader } from './segment-reader.js';
import { segmentPath, SEGMENT_HEADER_BYTES, sequenceOf, walCorrupt } from './wal-format.js';
import { RECORD_HEADER_BYTES, RecordType } from './wal-record.js';

/** What {@link scanWal} found. */
export interface WalScan {
  /** The segments of the log, in order. Empty: there is none yet. */
  readonly segments: readonly ScannedSegment[];
  readonly groups: ReadonlyMap<GroupId, GroupLog>;
  /** Where the last segment is to be ended; before it the one before it, if nothing vouches for its `end` record. */
  readonly ends: readonly SegmentEnd[];
  /** What a crash has torn, and the writer will cut off; null: nothing. */
  readonly torn: TornTail | null;
}

export interface ScannedSegment {
  readonly sequence: number;
  readonly path: string;
  /** The last index of each group that a record of the segment speaks of. */
  readonly lastIndexes: Map<GroupId, number>;
}

/** A segment of which nothing vouches that all of it is durable. */
export interface SegmentEnd {
  readonly path: string;
  readonly seed: number;
  /** Where its last whole record ends, the `end` record left aside. */
  readonly offset: number;
  /** Up to here a later record vouches for it. At most `offset`. */
  readonly durableOffset: number;
}

export interface TornTail {
  readonly path: string;
  readonly offset: number;
  /** How many bytes behind `offset` there are, up to the last that is not zero. */
  readonly bytes: number;
}

/**
 * Scans the log in `directory`, with a buffer of fixed size unless a single record is larger.
 *
 * @throws ConclaveError `ERR_STORAGE_CORRUPT` with `data.path` and `data.offset`, `ERR_DATA_DIR_MISMATCH`,
 *   `ERR_STORAGE`.
 */
export function scanWal(disk: Disk, directory: string): WalScan {
  return new Scanner(disk, directory).scan();
}

class Scanner {
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #window = new ReadWindow();
  readonly #segments: ScannedSegment[] = [];
  readonly #groups = new Map<GroupId, GroupLog>();
  /** Invariant: at most the segment before the one that is being scanned, which then has no record yet. */
  #ends: SegmentEnd[] = [];
  #torn: TornTail | null = null;

  constructor(disk: Disk, directory: string) {
    this.#disk = disk;
    this.#directory = directory;
  }

  scan(): WalScan {
    const sequences = segmentSequences(this.#disk, this.#directory);
    for (const [position, sequence] of sequences.entries()) {
      const following = sequences.slice(position + 1);
      if (this.#scanSegment(sequence, following)) break;
    }
    return { segments: this.#segments, groups: this.#groups, ends: this.#ends, torn: this.#torn };
  }

  /** Scans one segment. Returns whether it is the last one of the log. */
  #scanSegment(sequence: number, following: readonly number[]): boolean {
    const reader = new SegmentReader(this.#disk, this.#directory, sequence, this.#window);
    try {
      const lastIndexes = new Map<GroupId, number>();
      this.#segments.push({ sequence, path: reader.path, lastIndexes });
      let durableOffset = SEGMENT_HEADER_BYTES;
      while (reader.next() && reader.isPayloadWhole()) {
        const { record } = reader;
        durableOffset = Math.max(durableOffset, record.durableOffset);
        this.#ends = [];
        if (record.type === RecordType.end) {
          this.#ends.push({ path: reader.path, seed: reader.header.seed, offset: reader.offset, durableOffset });
          this.#checkSuccessor(sequence, following);
          return false;
        }
        this.#take(reader, lastIndexes);
      }
      this.#endAt(reader, durableOffset, following);
      return true;
    } finally {
      reader.close();
    }
  }

  #take(reader: SegmentReader, lastIndexes: Map<GroupId, number>): void {
    const { record, path, offset } = reader;
    const log = this.#groupLog(record.group);
    switch (record.type) {
      case RecordType.entries: {
        const { firstIndex, lastIndex } = record;
        if (!log.addEntries(reader.header.sequence, offset, reader.nextOffset, firstIndex, lastIndex)) {
          throw walCorrupt(path, offset, `entries before index ${firstIndex} of group ${record.group} are missing`);
        }
        break;
      }
      case RecordType.reset:
        log.reset(reader.resetBase());
        break;
      case RecordType.hardState: {
        const votedFor = new TextDecoder().decode(reader.payload());
        if (record.term < (log.hardState?.term ?? 0)) {
          throw walCorrupt(path, offset, `the term of group ${record.group} runs backwards`);
        }
        log.hardState = { term: term(record.term), votedFor: votedFor === '' ? null : nodeId(votedFor) };
        return;
      }
      default:
        return;
    }
    lastIndexes.set(record.group, Math.max(record.lastIndex, lastIndexes.get(record.group) ?? 0));
  }

  #groupLog(group: GroupId): GroupLog {
    let log = this.#groups.get(group);
    if (log === undefined) this.#groups.set(group, (log = new GroupLog()));
    return log;
  }

  #checkSuccessor(sequence: number, following: readonly number[]): void {
    const next = sequence + 1;
    if (following[0] === next) return;
    const path = segmentPath(this.#directory, next);
    throw walCorrupt(path, 0, 'the file is missing, and the one before it says that it exists');
  }

  /** Judges the place where the records of a segment without an `end` stop. */
  #endAt(reader: SegmentReader, vouchedOffset: number, following: readonly number[]): void {
    const { path, offset, header, size } = reader;
    const isMark = reader.headerAt(offset) && reader.record.type === RecordType.mark;
    const tailOffset = isMark ? offset + RECORD_HEADER_BYTES : offset;
    const tail = reader.tailFrom(tailOffset);
    const isDamaged =
      tail.durableOffset > offset ||
      following.length > 1 ||
      following.some((next) => next !== header.sequence + 1 || this.#isUsed(next));
    if (isDamaged) throw walCorrupt(path, offset, 'the record is damaged, and was durable: others follow it');
    // Only a segment that has been ended is made shorter.
    if (size < header.segmentBytes)
      throw walCorrupt(path, offset, 'the file is cut off, or its last record is damaged');
    this.#ends.push({ path, seed: header.seed, offset, durableOffset: isMark ? offset : vouchedOffset });
    if (tail.end > tailOffset) this.#torn = { path, offset, bytes: tail.end - offset };
  }

  /** Was a record ever written to this segment? */
  #isUsed(sequence: number): boolean {
    const reader = new SegmentReader(this.#disk, this.#directory, sequence, new ReadWindow());
    try {
      return reader.tailFrom(SEGMENT_HEADER_BYTES).durableOffset > 0;
    } finally {
      reader.close();
    }
  }
}

/** The sequences of the segments in a directory, in order. */
export function segmentSequences(disk: Disk, directory: string): number[] {
  return disk.list(directory).flatMap((name) => sequenceOf(name) ?? []);
}

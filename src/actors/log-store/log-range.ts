/**
 * Reads a range of one group's entries out of the log, in pieces of a bounded size: at the start of a node, and for a
 * fold in another thread while the writer goes on. That is safe for entries that are durable and committed: they never
 * change, and the segments that hold them stay until they are dropped.
 */

import { ConclaveError } from '../../errors.js';
import type { GroupId, LogIndex } from '../../ids.js';
import type { Disk } from '../../storage/disk.js';
import { EntryReader } from '../raft/entry.js';
import { GroupLog, type LogRun } from './group-log.js';
import { ReadWindow, SegmentReader } from './segment-reader.js';
import { walCorrupt } from './wal-format.js';
import { RecordType } from './wal-record.js';
import { segmentSequences } from './wal-scan.js';

/** Pieces are at most this large, unless a single entry is larger. */
const PIECE_BYTES = 1024 * 1024;

/**
 * The entries from `fromIndex` to `toIndex`, whole and in order, their checksums verified. Each piece is a buffer of
 * its own, to be kept or transferred. The entries must be durable and committed, and not dropped before the end.
 *
 * @throws ConclaveError `ERR_STORAGE_CORRUPT` when something is damaged or not there, `ERR_STORAGE`.
 */
export function readLogRange(
  disk: Disk,
  directory: string,
  group: GroupId,
  fromIndex: LogIndex,
  toIndex: LogIndex,
): Generator<Uint8Array<ArrayBuffer>, void> {
  return readRuns(disk, directory, group, findLog(disk, directory, group).runs, fromIndex, toIndex, true);
}

/**
 * The same for a log whose runs are known. With `isVerified`, damage is looked for; without, whoever found the runs has
 * just done so.
 */
export function* readRuns(
  disk: Disk,
  directory: string,
  group: GroupId,
  runs: readonly LogRun[],
  fromIndex: number,
  toIndex: number,
  isVerified: boolean,
): Generator<Uint8Array<ArrayBuffer>, void> {
  const bytesMax = runs.reduce((sum, { startOffset, endOffset }) => sum + endOffset - startOffset, 0);
  const pieces = new Pieces(Math.min(PIECE_BYTES, bytesMax));
  const window = new ReadWindow();
  const entries = new EntryReader();
  let nextIndex = fromIndex;
  for (const run of runs) {
    if (nextIndex > toIndex) break;
    if (run.lastIndex < nextIndex) continue;
    if (run.firstIndex > nextIndex) break;
    const lastIndex = Math.min(run.lastIndex, toIndex);
    const reader = new SegmentReader(disk, directory, run.sequence, window);
    try {
      reader.seek(run.startOffset);
      while (nextIndex <= lastIndex && reader.nextOffset < run.endOffset) {
        const { record } = reader;
        const isWhole = reader.next();
        const isWanted = record.type === RecordType.entries && record.group === group && record.lastIndex >= nextIndex;
        if (isWhole && !isWanted) continue;
        if (!isWhole || (isVerified && !reader.isPayloadWhole())) {
          throw walCorrupt(reader.path, reader.offset, 'the record is damaged');
        }
        const payload = reader.payload();
        const isAllWanted = record.firstIndex >= nextIndex && record.lastIndex <= lastIndex;
        if (!isAllWanted || !pieces.addWhole(payload)) {
          entries.reset(payload);
          yield* pieces.addRange(entries, payload, nextIndex, lastIndex);
        }
        nextIndex = Math.min(record.lastIndex, lastIndex) + 1;
      }
    } finally {
      reader.close();
    }
  }
  if (nextIndex <= toIndex) throw missing(directory, group, nextIndex, toIndex);
  yield* pieces.flush();
}

/**
 * Does the log go on behind the entry at `index`? One of which nothing is known does behind any but its beginning,
 * which is at 0.
 *
 * @throws ConclaveError `ERR_STORAGE_CORRUPT` when something is damaged, `ERR_STORAGE`.
 */
export function reachesBackTo(disk: Disk, directory: string, group: GroupId, index: LogIndex): boolean {
  const { firstIndex } = findLog(disk, directory, group);
  return firstIndex === null ? index > 0 : firstIndex <= index + 1;
}

/** Where the group's entries are, by the headers of the records alone, as far as the log can be read now. */
function findLog(disk: Disk, directory: string, group: GroupId): GroupLog {
  let log = new GroupLog();
  const window = new ReadWindow();
  for (const sequence of segmentSequences(disk, directory)) {
    const reader = openUnlessDropped(disk, directory, sequence, window);
    if (reader !== null && findRunsIn(reader, group, log)) continue;
    if (reader !== null && disk.exists(reader.path)) break;
    // Dropped meanwhile, and so were all before it, for they are dropped from the first on: none of them is needed.
    log = new GroupLog();
  }
  return log;
}

/** Returns whether the log goes on in the next segment. */
function findRunsIn(reader: SegmentReader, group: GroupId, log: GroupLog): boolean {
  const { record, header } = reader;
  try {
    while (reader.next()) {
      if (record.type === RecordType.end) return true;
      if (record.group !== group) continue;
      if (record.type === RecordType.reset) log.reset(reader.resetBase());
      if (record.type !== RecordType.entries) continue;
      const { firstIndex, lastIndex } = record;
      if (!log.addEntries(header.sequence, reader.offset, reader.nextOffset, firstIndex, lastIndex)) {
        throw walCorrupt(
          reader.path,
          reader.offset,
          `entries before index ${firstIndex} of group ${group} are missing`,
        );
      }
    }
    return false;
  } finally {
    reader.close();
  }
}

function openUnlessDropped(disk: Disk, directory: string, sequence: number, window: ReadWindow): SegmentReader | null {
  try {
    return new SegmentReader(disk, directory, sequence, window);
  } catch (error) {
    if (error instanceof ConclaveError && error.data['errno'] === 'ENOENT') return null;
    throw error;
  }
}

/** Gathers entries into pieces. */
class Pieces {
  readonly #bytes: Uint8Array;
  #used = 0;

  /** No piece that is gathered from several records is larger than `bytesMax`. */
  constructor(bytesMax: number) {
    this.#bytes = new Uint8Array(bytesMax);
  }

  /** Adds all of the entries, if there is room for them. */
  addWhole(bytes: Uint8Array): boolean {
    if (this.#used + bytes.length > this.#bytes.length) return false;
    this.#bytes.set(bytes, this.#used);
    this.#used += bytes.length;
    return true;
  }

  /** Adds those of the entries that are from `fromIndex` to `toIndex`, and yields the pieces that are full. */
  *addRange(
    entries: EntryReader,
    bytes: Uint8Array,
    fromIndex: number,
    toIndex: number,
  ): Generator<Uint8Array<ArrayBuffer>, void> {
    let start = 0;
    let end = 0;
    while (entries.next() && entries.index <= toIndex) {
      const entryStart = end;
      end = entries.payloadEnd;
      if (entries.index < fromIndex) start = end;
      else if (end - start > PIECE_BYTES) {
        yield* this.#add(bytes.subarray(start, entryStart));
        start = entryStart;
      }
    }
    yield* this.#add(bytes.subarray(start, end));
  }

  *flush(): Generator<Uint8Array<ArrayBuffer>, void> {
    if (this.#used > 0) yield this.#bytes.slice(0, this.#used);
    this.#used = 0;
  }

  *#add(bytes: Uint8Array): Generator<Uint8Array<ArrayBuffer>, void> {
    if (bytes.length === 0) return;
    if (this.#used + bytes.length > this.#bytes.length) yield* this.flush();
    if (bytes.length > this.#bytes.length) {
      yield bytes.slice();
    } else {
      this.#bytes.set(bytes, this.#used);
      this.#used += bytes.length;
    }
  }
}

function missing(directory: string, group: GroupId, fromIndex: number, toIndex: number): ConclaveError {
  return walCorrupt(
    directory,
    0,
    `entries ${fromIndex} to ${toIndex} of group ${group} are not there, and they should be`,
  );
}

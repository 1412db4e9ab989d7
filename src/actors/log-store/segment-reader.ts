/**
 * Steps through the records of one segment, through a window of a fixed size that grows only for a record that is
 * larger. Runs wherever the log is read, also while another thread writes to its end; changes nothing.
 */

import { crc32 } from '../../checksum.js';
import { logIndex, term, type LastIncluded } from '../../ids.js';
import type { Disk, DiskFile } from '../../storage/disk.js';
import { EntryReader } from '../raft/entry.js';
import {
  decodeSegmentHeader,
  SEGMENT_HEADER_BYTES,
  segmentPath,
  walCorrupt,
  type SegmentHeader,
} from './wal-format.js';
import { decodeRecordHeader, emptyRecordHeader, RECORD_HEADER_BYTES, recordBytes, RecordType } from './wal-record.js';

const WINDOW_BYTES = 1024 * 1024;

/** The part of a file that is in memory. One serves many files, one after the other. */
export class ReadWindow {
  bytes = new Uint8Array(0);
  view = new DataView(this.bytes.buffer);
  #file: DiskFile | null = null;
  /** Invariant: `bytes` begins with what is from `#start` to `#end` of the file. */
  #start = 0;
  #end = 0;

  /** From now on it is this file that is looked at. */
  reset(file: DiskFile): void {
    this.#file = file;
    this.#start = 0;
    this.#end = 0;
  }

  /**
   * Where in `bytes` these `length` bytes of the file begin; -1: the file ends before them. Valid until the next call.
   */
  load(offset: number, length: number): number {
    if (offset >= this.#start && offset + length <= this.#end) return offset - this.#start;
    const file = this.#file!;
    const wanted = Math.max(length, Math.min(WINDOW_BYTES, file.size()));
    if (wanted > this.bytes.length) {
      this.bytes = new Uint8Array(wanted);
      this.view = new DataView(this.bytes.buffer);
    }
    this.#start = offset;
    this.#end = offset + file.read(this.bytes, offset);
    return offset + length <= this.#end ? 0 : -1;
  }
}

/**
 * The records of a segment, one after the other. To be closed.
 */
export class SegmentReader {
  readonly path: string;
  readonly header: SegmentHeader;
  readonly size: number;
  /** The header of the current record. */
  readonly record = emptyRecordHeader();
  /** Where the current record begins; when `next` has returned false: where there is none. */
  offset = SEGMENT_HEADER_BYTES;
  readonly #file: DiskFile;
  readonly #window: ReadWindow;
  readonly #entries = new EntryReader();
  #nextOffset = SEGMENT_HEADER_BYTES;

  /**
   * Opens a segment.
   *
   * @throws ConclaveError `ERR_STORAGE`, `ERR_STORAGE_CORRUPT`, `ERR_DATA_DIR_MISMATCH`.
   */
  constructor(disk: Disk, directory: string, sequence: number, window: ReadWindow) {
    this.path = segmentPath(directory, sequence);
    this.#file = disk.open(this.path, 'read');
    this.#window = window;
    try {
      window.reset(this.#file);
      this.size = this.#file.size();
      const length = Math.min(SEGMENT_HEADER_BYTES, this.size);
      const at = window.load(0, length);
      if (at === -1) throw walCorrupt(this.path, 0, 'the header of the file is cut off');
      this.header = decodeSegmentHeader(window.bytes.subarray(at, at + length), this.path, sequence);
    } catch (error) {
      this.#file.close();
      throw error;
    }
  }

  /** Where the next record begins. */
  get nextOffset(): number {
    return this.#nextOffset;
  }

  /** Goes on with the record at this offset. */
  seek(offset: number): void {
    this.#nextOffset = offset;
  }

  /**
   * Moves to the next record. Returns false where no whole header is: at the end, at a mark, where it is torn or
   * damaged.
   */
  next(): boolean {
    this.offset = this.#nextOffset;
    const { record, offset, size } = this;
    if (!this.headerAt(offset)) return false;
    const end = offset + recordBytes(record.payloadBytes);
    if (record.type === RecordType.mark || end > size || record.durableOffset > offset) return false;
    this.#nextOffset = end;
    return true;
  }

  /**
   * Reads the header at `offset` into `record`; returns false, and leaves `record` as it is, if there is no whole one.
   */
  headerAt(offset: number): boolean {
    const at = this.#window.load(offset, RECORD_HEADER_BYTES);
    if (at === -1) return false;
    return decodeRecordHeader(this.#window.bytes, this.#window.view, at, this.header.seed, this.record);
  }

  /**
   * What is in the rest of the file: where the last of it that is not zero ends (`offset` if nothing is), and the
   * highest `durableOffset` of a whole header at any place where one may be; 0 if there is none.
   */
  tailFrom(offset: number): { readonly end: number; readonly durableOffset: number } {
    const window = this.#window;
    const { size } = this;
    let end = offset;
    let durableOffset = 0;
    for (let at = offset; at + 8 <= size;) {
      const length = Math.min(WINDOW_BYTES, size - at);
      const start = window.load(at, length);
      if (start === -1) break;
      const { bytes, view } = window;
      // A header that crosses the end of the window is found by the next one, which begins far enough before it.
      const isLast = at + length === size;
      const stop = isLast ? length - 7 : length - RECORD_HEADER_BYTES;
      let step = 0;
      for (; step < stop; step += 8) {
        const here = start + step;
        if (view.getUint32(here, true) === 0 && view.getUint32(here + 4, true) === 0) continue;
        end = at + step + 8;
        const isHeader = decodeRecordHeader(bytes, view, here, this.header.seed, this.record);
        if (isHeader && this.record.durableOffset <= at + step) {
          durableOffset = Math.max(durableOffset, this.record.durableOffset);
        }
      }
      at += step;
      if (isLast) break;
    }
    return { end, durableOffset };
  }

  /** The payload of the current record: a view that is valid until the next call of any method. */
  payload(): Uint8Array {
    const { payloadBytes } = this.record;
    const at = this.#window.load(this.offset + RECORD_HEADER_BYTES, payloadBytes);
    if (at === -1) throw walCorrupt(this.path, this.offset, 'the record is cut off');
    return this.#window.bytes.subarray(at, at + payloadBytes);
  }

  /** Is the current record's payload what was written? */
  isPayloadWhole(): boolean {
    const { type, payloadBytes, payloadCrc } = this.record;
    if (this.#window.load(this.offset + RECORD_HEADER_BYTES, payloadBytes) === -1) return false;
    return type === RecordType.entries ? this.#areEntriesWhole() : crc32(this.payload()) === payloadCrc;
  }

  /** What the current record, a reset, says. */
  resetBase(): LastIncluded {
    const { lastIndex, term: lastTerm } = this.record;
    const payload = this.payload();
    const timestampMs = new DataView(payload.buffer, payload.byteOffset, payload.byteLength).getFloat64(0, true);
    return { index: logIndex(lastIndex), term: term(lastTerm), timestampMs };
  }

  close(): void {
    this.#file.close();
  }

  #areEntriesWhole(): boolean {
    const entries = this.#entries;
    let index = this.record.firstIndex;
    entries.reset(this.payload());
    try {
      while (entries.next()) if (entries.damage !== null || entries.index !== index++) return false;
    } catch {
      return false;
    }
    return index === this.record.lastIndex + 1;
  }
}

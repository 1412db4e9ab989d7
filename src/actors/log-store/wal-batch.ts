/**
 * Gathers records in the form in which they lie on the disk, as a list of buffers for one vectored write. Small
 * payloads are copied together, large ones are written from where they are. Pure memory; its own is used again for each
 * batch.
 */

import { crc32 } from '../../checksum.js';
import type { PendingRecord } from './pending-record.js';
import { encodeRecordHeader, RECORD_HEADER_BYTES, recordBytes, RecordType } from './wal-record.js';

/** Up to this size, copying a payload costs less than one more buffer in the write. */
const COPIED_BYTES_MAX = 8 * 1024;
const ARENA_BYTES = 64 * 1024;
const PADDING_MAX = 7;

export class WalBatch {
  #bytes = 0;
  readonly #buffers: Uint8Array[] = [];
  /** What is from `#start` to `#used` is in no buffer yet. */
  #arena = new Uint8Array(ARENA_BYTES);
  #view = new DataView(this.#arena.buffer);
  #start = 0;
  #used = 0;

  /** How many bytes the records take. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Adds a record for a segment with this seed. Its payload must not change until the batch is cleared. */
  add(record: PendingRecord, durableOffset: number, seed: number): void {
    const { type, group, firstIndex, lastIndex, term, payload } = record;
    const { length } = payload;
    // Entries have checksums of their own.
    const payloadCrc = type === RecordType.entries ? 0 : crc32(payload);
    const isCopied = length <= COPIED_BYTES_MAX;
    this.#reserve(RECORD_HEADER_BYTES + PADDING_MAX + (isCopied ? length : 0));
    const header = { type, group, firstIndex, lastIndex, term, payloadBytes: length, durableOffset, payloadCrc };
    encodeRecordHeader(this.#arena, this.#view, this.#used, header, seed);
    this.#used += RECORD_HEADER_BYTES;
    if (isCopied) {
      this.#arena.set(payload, this.#used);
      this.#used += length;
    } else {
      this.#cut();
      this.#buffers.push(payload);
    }
    const padding = recordBytes(length) - RECORD_HEADER_BYTES - length;
    this.#arena.fill(0, this.#used, this.#used + padding);
    this.#used += padding;
    this.#bytes += recordBytes(length);
  }

  /** All records, as buffers that follow each other; valid until `clear`. */
  buffers(): readonly Uint8Array[] {
    this.#cut();
    return this.#buffers;
  }

  /** Begins the next batch. */
  clear(): void {
    this.#bytes = 0;
    this.#buffers.length = 0;
    this.#start = 0;
    this.#used = 0;
  }

  #reserve(bytes: number): void {
    if (this.#used + bytes <= this.#arena.length) return;
    this.#cut();
    this.#arena = new Uint8Array(ARENA_BYTES);
    this.#view = new DataView(this.#arena.buffer);
    this.#start = 0;
    this.#used = 0;
  }

  #cut(): void {
    if (this.#start === this.#used) return;
    this.#buffers.push(this.#arena.subarray(this.#start, this.#used));
    this.#start = this.#used;
  }
}

/**
 * The chunks of an open snapshot: where each lies, and its stored bytes once their checksum has been found right. Does
 * not expand them, and keeps none.
 */

import { crc32 } from '../checksum.js';
import type { ByteSource } from './byte-source.js';
import { CHUNK_BYTES_MAX } from './snapshot-chunk.js';
import { snapshotCorrupt } from './snapshot-corrupt.js';
import type { ChunkInfo } from './snapshot-format.js';

export class SnapshotChunks {
  /** Null: in memory. */
  readonly path: string | null;
  readonly #source: ByteSource;
  readonly #chunks: readonly ChunkInfo[];
  /** Where each chunk begins, and where the last one ends. */
  readonly #offsets: Float64Array;

  /** The chunks lie one behind the other from `start` on. */
  constructor(source: ByteSource, path: string | null, start: number, chunks: readonly ChunkInfo[]) {
    this.path = path;
    this.#source = source;
    this.#chunks = chunks;
    this.#offsets = new Float64Array(chunks.length + 1);
    let offset = start;
    for (const [index, { storedBytes }] of chunks.entries()) {
      this.#offsets[index] = offset;
      offset += storedBytes;
    }
    this.#offsets[chunks.length] = offset;
  }

  get count(): number {
    return this.#chunks.length;
  }

  /** Where the last chunk ends. */
  get end(): number {
    return this.#offsets[this.count]!;
  }

  /** Where chunk `index` begins; for the count of chunks, where the last one ends. */
  offsetOf(index: number): number {
    return this.#offsets[index]!;
  }

  /** The length of a chunk before it was compressed. */
  rawBytesOf(index: number): number {
    return this.#chunks[index]!.rawBytes;
  }

  /** Memory for the stored bytes of any of these chunks. */
  bufferFor(first: number, count: number): Uint8Array {
    let longest = 0;
    for (let index = first; index < first + count; index += 1) {
      longest = Math.max(longest, this.#chunks[index]!.storedBytes);
    }
    return new Uint8Array(longest);
  }

  /** Has the table nothing in it that no writer writes? */
  get isPlausible(): boolean {
    return this.#chunks.every(
      ({ rawBytes, storedBytes }) => storedBytes > 0 && storedBytes <= rawBytes && rawBytes <= CHUNK_BYTES_MAX,
    );
  }

  /**
   * Reads the stored bytes of a chunk into `buffer`, which has room for them; they stay there until it is used again.
   *
   * @throws ConclaveError `ERR_STORAGE_CORRUPT` when they are not what was written; `ERR_STORAGE` when they cannot be
   *   read.
   */
  read(index: number, buffer: Uint8Array): Uint8Array {
    const { storedBytes, crc } = this.#chunks[index]!;
    const offset = this.#offsets[index]!;
    const stored = buffer.subarray(0, storedBytes);
    if (!readFully(this.#source, stored, offset)) throw this.corrupt(index, 'the file ends within a chunk');
    if (crc32(stored) !== crc) throw this.corrupt(index, 'a chunk does not have its checksum');
    return stored;
  }

  /** The error that says that this chunk is damaged. */
  corrupt(index: number, what: string): Error {
    return snapshotCorrupt(this.path, this.offsetOf(index), what);
  }
}

/** Fills `into` from `position` on. False: there were not as many bytes. */
export function readFully(source: ByteSource, into: Uint8Array, position: number): boolean {
  let filled = 0;
  while (filled < into.length) {
    const count = source.read(into.subarray(filled), position + filled);
    if (count === 0) return false;
    filled += count;
  }
  return true;
}

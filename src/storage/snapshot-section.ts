/**
 * Reads one section of a snapshot from its beginning to its end: chunk by chunk, each checked before it is expanded.
 * Needs memory for one chunk. Sections of one snapshot may be read at the same time.
 */

import { createHash } from 'node:crypto';
import { expandChunk } from './snapshot-chunk.js';
import type { SnapshotChunks } from './snapshot-chunks.js';
import type { SectionInfo } from './snapshot-manifest.js';

export class SnapshotSection {
  readonly info: SectionInfo;
  readonly #chunks: SnapshotChunks;
  readonly #buffer: Uint8Array;
  readonly #hash = createHash('sha256');
  /** The next chunk to read; past the last one when the hash has been found right. */
  #next: number;

  constructor(info: SectionInfo, chunks: SnapshotChunks) {
    this.info = info;
    this.#chunks = chunks;
    this.#buffer = chunks.bufferFor(info.firstChunk, info.chunkCount);
    this.#next = info.firstChunk;
  }

  /**
   * The next piece of the stream, or null at its end: only then is it certain that the pieces are what was written. A
   * piece is never empty and at most `CHUNK_BYTES_MAX` long, and is good until the next call.
   *
   * @throws ConclaveError `ERR_STORAGE_CORRUPT` when the stream is not what was written; `ERR_STORAGE` when it cannot
   * be read.
   */
  next(): Uint8Array | null {
    const { firstChunk, chunkCount, hash } = this.info;
    const index = this.#next;
    const end = firstChunk + chunkCount;
    if (index < end) {
      const raw = expandChunk(this.#chunks.read(index, this.#buffer), this.#chunks.rawBytesOf(index));
      if (raw === null) throw this.#chunks.corrupt(index, 'a chunk cannot be expanded');
      this.#hash.update(raw);
      this.#next += 1;
      return raw;
    }
    if (index === end) {
      if (this.#hash.digest('hex') !== hash) {
        throw this.#chunks.corrupt(firstChunk, `its section ${this.info.name} does not have its hash`);
      }
      this.#next += 1;
    }
    return null;
  }
}

/**
 * Writes a snapshot from its first byte to its last: named streams, cut into chunks that are compressed and checked
 * each on its own. Needs memory for one chunk and the table of all; runs on whichever thread folds. Knows bytes only,
 * neither objects nor files.
 */

import { createHash, type Hash } from 'node:crypto';
import { assert } from '../assert.js';
import { crc32 } from '../checksum.js';
import { CHUNK_BYTES_MAX, compressChunk } from './snapshot-chunk.js';
import {
  MANIFEST_BYTES_MAX,
  encodeFooter,
  encodeHeader,
  encodeTrailer,
  snapshotId,
  type ChunkInfo,
} from './snapshot-format.js';
import { encodeManifest, type SectionInfo, type SnapshotCut } from './snapshot-manifest.js';

/** Takes the bytes of a snapshot, each `position` where the one before ended. */
export interface SnapshotSink {
  /** Has to have written or copied the buffers when it returns: they are used again. */
  write(buffers: readonly Uint8Array[], position: number): void;
}

/** What was written. */
export interface SnapshotResult {
  /** Names the content: two snapshots with the same id have the same bytes. 32 hex digits. */
  readonly id: string;
  /** The size of the whole snapshot. */
  readonly bytes: number;
  /** The size of all sections before they were compressed. */
  readonly stateBytes: number;
}

/** The section that is being written. */
interface OpenSection {
  readonly name: string;
  readonly hash: Hash;
  readonly firstChunk: number;
  /** What has gone into chunks; the rest is in the buffer. */
  bytes: number;
}

/** A stream is begun, written and ended, then the next one; `finish` comes last. */
export class SnapshotWriter {
  readonly #sink: SnapshotSink;
  /** Not zeroed: nothing of it is used but what has been written. */
  readonly #buffer = new Uint8Array(Buffer.allocUnsafeSlow(CHUNK_BYTES_MAX).buffer);
  /** How much of the buffer is filled; less than all of it between calls. */
  #buffered = 0;
  readonly #chunks: ChunkInfo[] = [];
  readonly #sections = new Map<string, SectionInfo>();
  #open: OpenSection | null = null;
  /** Where the next byte goes. */
  #position = 0;
  #stateBytes = 0;
  #isFinished = false;

  constructor(sink: SnapshotSink) {
    this.#sink = sink;
    this.#put([encodeHeader()]);
  }

  /** Begins a stream. Its name must not have been used yet, and the one before must have been ended. */
  beginSection(name: string): void {
    assert(!this.#isFinished && this.#open === null, 'sections of a snapshot are written one after the other');
    assert(!this.#sections.has(name), 'the sections of a snapshot have names of their own');
    this.#open = { name, hash: createHash('sha256'), firstChunk: this.#chunks.length, bytes: 0 };
  }

  /** Adds to the stream. `bytes` may be used again at once. Takes about 5 ms for each MiB that it completes. */
  write(bytes: Uint8Array): void {
    const section = this.#section();
    let at = 0;
    while (at < bytes.length) {
      const rest = bytes.length - at;
      if (this.#buffered === 0 && rest >= CHUNK_BYTES_MAX) {
        this.#putChunk(section, bytes.subarray(at, at + CHUNK_BYTES_MAX));
        at += CHUNK_BYTES_MAX;
        continue;
      }
      const taken = Math.min(rest, CHUNK_BYTES_MAX - this.#buffered);
      this.#buffer.set(bytes.subarray(at, at + taken), this.#buffered);
      this.#buffered += taken;
      at += taken;
      if (this.#buffered === CHUNK_BYTES_MAX) this.#flush(section);
    }
  }

  /** Ends the stream. Its hash is that of its bytes, SHA-256 as 64 hex digits; `bytes` is its length. */
  endSection(): { hash: string; bytes: number } {
    const section = this.#section();
    if (this.#buffered > 0) this.#flush(section);
    const { name, bytes, firstChunk } = section;
    const hash = section.hash.digest('hex');
    this.#sections.set(name, { name, hash, bytes, firstChunk, chunkCount: this.#chunks.length - firstChunk });
    this.#stateBytes += bytes;
    this.#open = null;
    return { hash, bytes };
  }

  /** Writes what makes the snapshot whole. Nothing can be written after this; durable it is once its sink says so. */
  finish({ lastIncluded, codeVersion, configuration }: SnapshotCut): SnapshotResult {
    assert(!this.#isFinished && this.#open === null, 'a snapshot ends once, behind its last section');
    this.#isFinished = true;
    const manifest = encodeManifest({
      lastIncluded,
      codeVersion,
      configuration,
      sections: [...this.#sections.values()],
    });
    assert(manifest.length <= MANIFEST_BYTES_MAX, 'the manifest of a snapshot is within its limit');
    const footer = encodeFooter(manifest, this.#chunks);
    const trailer = encodeTrailer({
      footerOffset: this.#position,
      manifestBytes: manifest.length,
      chunkCount: this.#chunks.length,
      footerCrc: crc32(footer),
    });
    this.#put([footer, trailer]);
    return { id: snapshotId(footer), bytes: this.#position, stateBytes: this.#stateBytes };
  }

  #section(): OpenSection {
    assert(this.#open !== null, 'bytes of a snapshot belong to a section');
    return this.#open;
  }

  #flush(section: OpenSection): void {
    this.#putChunk(section, this.#buffer.subarray(0, this.#buffered));
    this.#buffered = 0;
  }

  #putChunk(section: OpenSection, raw: Uint8Array): void {
    // Hashing whole chunks and not what `write` is given: small pieces cost more to hand over than to hash.
    section.hash.update(raw);
    section.bytes += raw.length;
    const stored = compressChunk(raw);
    this.#chunks.push({ rawBytes: raw.length, storedBytes: stored.length, crc: crc32(stored) });
    this.#put([stored]);
  }

  #put(buffers: readonly Uint8Array[]): void {
    this.#sink.write(buffers, this.#position);
    for (const { length } of buffers) this.#position += length;
  }
}

/**
 * A snapshot that is not one yet: where its bytes go while a fold writes or a receiver gathers them. Belongs to whoever
 * opened it, on any thread; becomes a snapshot when the store that named its place publishes it.
 */

import { assert } from '../assert.js';
import { ConclaveError } from '../errors.js';
import type { ByteLocation } from './byte-source.js';
import type { Disk, DiskFile } from './disk.js';
import type { SnapshotSink } from './snapshot-writer.js';

/** Where a draft is to be written, as plain data: given out by a store, and crosses threads. */
export type DraftPlace = { readonly kind: 'file'; readonly path: string } | { readonly kind: 'memory' };

/** Bytes are written one behind the other, and each only once. */
export interface SnapshotDraft extends SnapshotSink {
  /**
   * No more will be written. Makes it durable, where it can be, and says where it lies: plain data, crosses threads.
   */
  finish(): ByteLocation;
  /** It will not be finished. Frees what it holds; its file is for the store to discard. */
  abandon(): void;
}

/** So much is written at most before it is synced: the log's own syncs wait behind it for as long as that takes. */
const SYNC_BYTES_MAX = 1024 * 1024;

/** Memory for a draft whose size is not known is taken in pieces of this size. */
const PIECE_BYTES = 1024 * 1024;

/**
 * Opens a draft. `bytes` is the size that it will have, where it is known: then its memory is taken at once.
 *
 * @throws ConclaveError `ERR_STORAGE` when the file cannot be created, `ERR_COMPACTION_FAILED` when there is not so
 * much memory.
 */
export function openDraft(disk: Disk, place: DraftPlace, bytes: number | null): SnapshotDraft {
  if (place.kind === 'file') return new FileDraft(disk.open(place.path, 'create'));
  return bytes === null ? new GrowingDraft() : new SizedDraft(bytes);
}

class FileDraft implements SnapshotDraft {
  readonly #file: DiskFile;
  #written = 0;
  #synced = 0;

  constructor(file: DiskFile) {
    this.#file = file;
  }

  write(buffers: readonly Uint8Array[], position: number): void {
    assert(position === this.#written, 'a draft is written from its beginning to its end');
    this.#file.write(buffers, position);
    this.#written += lengthOf(buffers);
    if (this.#written - this.#synced >= SYNC_BYTES_MAX) this.#sync();
  }

  finish(): ByteLocation {
    try {
      this.#sync();
    } finally {
      this.#file.close();
    }
    return { kind: 'file', path: this.#file.path };
  }

  abandon(): void {
    this.#file.close();
  }

  #sync(): void {
    this.#file.sync();
    this.#synced = this.#written;
  }
}

/** In memory that has its final size from the start. */
class SizedDraft implements SnapshotDraft {
  #bytes: Uint8Array<SharedArrayBuffer>;
  #written = 0;

  constructor(size: number) {
    this.#bytes = new Uint8Array(takeMemory(size));
  }

  write(buffers: readonly Uint8Array[], position: number): void {
    assert(position === this.#written, 'a draft is written from its beginning to its end');
    for (const buffer of buffers) {
      this.#bytes.set(buffer, this.#written);
      this.#written += buffer.length;
    }
  }

  finish(): ByteLocation {
    assert(this.#written === this.#bytes.length, 'a draft of known size is filled when it is finished');
    return { kind: 'memory', bytes: this.#bytes.buffer };
  }

  abandon(): void {
    this.#bytes = new Uint8Array(new SharedArrayBuffer(0));
  }
}

/** In memory, of a size that is known at its end only; then it is copied once. */
class GrowingDraft implements SnapshotDraft {
  /** All but the last are full. */
  #pieces: Uint8Array[] = [];
  #written = 0;

  write(buffers: readonly Uint8Array[], position: number): void {
    assert(position === this.#written, 'a draft is written from its beginning to its end');
    for (const buffer of buffers) this.#add(buffer);
  }

  finish(): ByteLocation {
    const whole = new SizedDraft(this.#written);
    let position = 0;
    for (const piece of this.#pieces) {
      const filled = piece.subarray(0, Math.min(PIECE_BYTES, this.#written - position));
      whole.write([filled], position);
      position += filled.length;
    }
    this.abandon();
    return whole.finish();
  }

  abandon(): void {
    this.#pieces = [];
  }

  #add(buffer: Uint8Array): void {
    let at = 0;
    while (at < buffer.length) {
      const filled = this.#written % PIECE_BYTES;
      if (filled === 0) this.#pieces.push(new Uint8Array(PIECE_BYTES));
      const part = buffer.subarray(at, at + PIECE_BYTES - filled);
      this.#pieces.at(-1)!.set(part, filled);
      at += part.length;
      this.#written += part.length;
    }
  }
}

function takeMemory(bytes: number): SharedArrayBuffer {
  try {
    return new SharedArrayBuffer(bytes);
  } catch (cause) {
    throw new ConclaveError('ERR_COMPACTION_FAILED', `There is no memory for a snapshot of ${bytes} bytes.`, {
      data: { bytes },
      cause,
    });
  }
}

function lengthOf(buffers: readonly Uint8Array[]): number {
  return buffers.reduce((sum, { length }) => sum + length, 0);
}

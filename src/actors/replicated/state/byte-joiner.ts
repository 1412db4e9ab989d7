/**
 * Pieces of a stream joined where a value lies across their borders. Owned by one StateReader. It holds at most about
 * twice the bytes that it has been given for one value: a length that the stream only claims reserves nothing.
 */

import { BYTES_PER_UNIT } from './run-in-slices.js';
import { FIXED_BYTES_MAX } from './state-format.js';

/** How much of a piece is copied at once behind what was left of the one before. */
const PART_BYTES = 64 * 1024;
/** Memory that one long value has made larger than this is given back. */
const KEPT_BYTES_MAX = 1024 * 1024;
const EMPTY = Buffer.alloc(0);

export class ByteJoiner {
  readonly #next: () => Uint8Array | null;
  /** What has not been handed out of the last piece. A piece is valid until the next one is asked for. */
  #rest: Uint8Array | null = null;
  #joined = EMPTY;
  #length = 0;
  #hasEnded = false;

  constructor(next: () => Uint8Array | null) {
    this.#next = next;
  }

  /** Has the stream ended, so that nothing follows what is handed out? */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Begins to join, with what was left of what has been handed out last. */
  begin(leftover: Uint8Array): void {
    if (this.#joined.length > KEPT_BYTES_MAX && leftover.length < PART_BYTES) this.#joined = EMPTY;
    this.#length = 0;
    this.#append(leftover);
  }

  /**
   * Joins until there are so many bytes or the stream has ended, for so many units at most; returns how many are left.
   */
  join(wanted: number, units: number): number {
    let left = units;
    while (!this.#isDone(wanted) && left > 0) {
      const piece = this.#rest ?? this.#next();
      if (piece === null) {
        this.#hasEnded = true;
        break;
      }
      this.#rest = piece;
      if (this.#isDone(wanted)) break;
      this.#append(piece.subarray(0, PART_BYTES));
      this.#rest = piece.length > PART_BYTES ? piece.subarray(PART_BYTES) : null;
      left -= 1 + Math.floor(Math.min(piece.length, PART_BYTES) / BYTES_PER_UNIT);
    }
    return left;
  }

  /** A piece that follows nothing and is long enough need not be copied. */
  #isDone(wanted: number): boolean {
    return this.#hasEnded || (this.#length === 0 ? (this.#rest?.length ?? 0) : this.#length) >= wanted;
  }

  /**
   * The bytes that were joined, valid until the next `begin`. At the end of the stream `FIXED_BYTES_MAX` zeros follow
   * that are not part of it, so that their reader need not look for the end within a value.
   */
  take(): Buffer {
    if (this.#hasEnded) this.#append(new Uint8Array(FIXED_BYTES_MAX));
    if (this.#length > 0 || this.#rest === null) return this.#joined.subarray(0, this.#length);
    const { buffer, byteOffset, byteLength } = this.#rest;
    this.#rest = null;
    return Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength);
  }

  #append(part: Uint8Array): void {
    const length = this.#length + part.length;
    if (length > this.#joined.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(2 * this.#joined.length, length, 2 * PART_BYTES));
      larger.set(this.#joined.subarray(0, this.#length));
      this.#joined = larger;
    }
    this.#joined.set(part, this.#length);
    this.#length = length;
  }
}

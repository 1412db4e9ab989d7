/**
 * The names that a lane's blocks call (block.ts), on the caller's thread. Where a block has called many, its table is
 * kept for the next one, which mostly calls them again: each is written once instead of once in every block, and
 * whoever reads the blocks finds the table that he has read before.
 */

import { BLOCK_NAMES_MAX, CANCELLED_NAME } from './block.js';

/** The table's entry for the number that no name has. */
const NO_NAME = Uint8Array.of(0, 0);

const TABLE_BYTES_MIN = 256;
/** A block must have called so many names for its table to be kept, and half of those that are in it. */
const CALLED_MIN = 16;
/** There must be room for others. */
const KEPT_MAX = BLOCK_NAMES_MAX / 2;
/** A larger table is not kept: it goes with the next block, however small that is. */
const KEPT_BYTES_MAX = 64 * 1024;

/** Tells tables and blocks apart. */
let stamps = 0;

/**
 * A method as commands name it. One object per method of a handle, so that a table finds its number without a lookup.
 */
export class MethodName {
  readonly text: string;
  /** Its length and itself, as the table of names has them. */
  readonly encoded: Uint8Array;
  /** The code version from which on there is such a command. */
  readonly since: number;
  /** The stamp of the table in which `number` is valid. */
  table = 0;
  number = 0;
  /** The stamp of the last block that has called it. */
  block = 0;

  constructor(object: string, method: string, since = 0) {
    this.since = since;
    this.text = `${object}.${method}`;
    const utf8 = new TextEncoder().encode(this.text);
    this.encoded = Uint8Array.of(utf8.length & 0xff, utf8.length >>> 8, ...utf8);
  }
}

/** Only one block at a time calls names; those that were under way before keep the bytes that there were. */
export class BlockNames {
  #stamp = ++stamps;
  #block = 0;
  /** How many names of the table the block has called. */
  #called = 0;
  #count = 0;
  /** Invariant: what is in front of `byteLength` does not change any more. */
  #bytes = new Uint8Array(TABLE_BYTES_MIN);
  #byteLength = 0;

  /** How many names there are, with the one that is none. */
  get count(): number {
    return this.#count;
  }

  /** The table as blocks have it. */
  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes;
  }

  get byteLength(): number {
    return this.#byteLength;
  }

  /** The next block begins. Its table is that of the last one, or empty; in either case there is room for any name. */
  begin(): void {
    if (!this.#isKept) {
      this.#stamp = ++stamps;
      this.#count = 0;
      this.#byteLength = 0;
      this.#bytes = new Uint8Array(TABLE_BYTES_MIN);
    }
    this.#block = ++stamps;
    this.#called = 0;
  }

  /** Is it in the table, or is there room for it? */
  accepts({ table }: MethodName): boolean {
    return table === this.#stamp || this.#count < BLOCK_NAMES_MAX;
  }

  isCalled({ block }: MethodName): boolean {
    return block === this.#block;
  }

  /** The number that it has in the table, or would get. */
  numberOf(name: MethodName): number {
    return name.table === this.#stamp ? name.number : this.#nextNumber;
  }

  /** The block calls it. */
  call(name: MethodName): void {
    if (name.table !== this.#stamp) this.#introduce(name);
    name.block = this.#block;
    this.#called++;
  }

  get #isKept(): boolean {
    const isCalled = this.#called >= CALLED_MIN && 2 * this.#called >= this.#count;
    return isCalled && this.#count <= KEPT_MAX && this.#byteLength <= KEPT_BYTES_MAX;
  }

  get #nextNumber(): number {
    return this.#count === CANCELLED_NAME ? CANCELLED_NAME + 1 : this.#count;
  }

  #introduce(name: MethodName): void {
    name.number = this.#nextNumber;
    name.table = this.#stamp;
    if (name.number > this.#count) this.#add(NO_NAME);
    this.#add(name.encoded);
  }

  #add(encoded: Uint8Array): void {
    const { length } = encoded;
    const start = this.#byteLength;
    if (start + length > this.#bytes.length) this.#grow(start + length);
    const bytes = this.#bytes;
    // Short: a loop beats the call into the engine's memcpy.
    for (let i = 0; i < length; i++) bytes[start + i] = encoded[i]!;
    this.#byteLength = start + length;
    this.#count++;
  }

  #grow(needed: number): void {
    const grown = new Uint8Array(Math.max(needed, 2 * this.#bytes.length));
    grown.set(this.#bytes.subarray(0, this.#byteLength));
    this.#bytes = grown;
  }
}

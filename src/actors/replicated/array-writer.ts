/**
 * Writes a msgpack array whose items are encoded one by one and whose number is known only at the end: the commands of
 * a block, the results of a block. Keeps its memory for the next array.
 */

import { assert } from '../../assert.js';
import { putScalarList, SCALARS_MAX, scalarListBytesMax } from './scalar-list.js';

const BYTES_MIN = 4096;
/** Memory that grew beyond this is given back after its array. */
const BYTES_KEPT = 4 * 1024 * 1024;
/** `array 32`: the type, and the number of items. */
const HEADER_BYTES = 5;
const ARRAY_32 = 0xdd;
const UINT_16 = 0xcd;
const FIXINT_MAX = 0x7f;
/** Below this a loop beats the call into the engine's memcpy. */
const LOOP_COPY_BYTES_MAX = 32;

export class ArrayWriter {
  #bytes = new Uint8Array(BYTES_MIN);
  /** Invariant: HEADER_BYTES <= length <= bytes.length. */
  #length = HEADER_BYTES;

  /** The size of the array so far. */
  get byteLength(): number {
    return this.#length;
  }

  /** Makes sure that this much can be written without growing once more. */
  reserve(size: number): void {
    const needed = this.#length + size;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, 2 * this.#bytes.length));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }

  /** Adds an item that is one byte long: `nil`, a boolean, or a whole number from 0 to 127. Returns where it is. */
  addByte(byte: number): number {
    this.reserve(1);
    this.#bytes[this.#length] = byte;
    return this.#length++;
  }

  /** Adds an encoded item. */
  add(item: Uint8Array): void {
    const size = item.length;
    this.reserve(size);
    const bytes = this.#bytes;
    const start = this.#length;
    if (size > LOOP_COPY_BYTES_MAX) bytes.set(item, start);
    else for (let i = 0; i < size; i++) bytes[start + i] = item[i]!;
    this.#length = start + size;
  }

  /** Adds a whole number from 0 to 65,535, in one byte if it is below 128. Returns where it is. */
  addNumber(number: number): number {
    if (number <= FIXINT_MAX) return this.addByte(number);
    this.reserve(3);
    const at = this.#length;
    const bytes = this.#bytes;
    bytes[at] = UINT_16;
    bytes[at + 1] = number >>> 8;
    bytes[at + 2] = number & 0xff;
    this.#length = at + 3;
    return at;
  }

  /**
   * Adds a list, or so many items at its beginning, without the codec, if they are a few scalars. False: they are not,
   * and nothing has been added.
   */
  addScalarList(list: readonly unknown[], length: number = list.length): boolean {
    this.reserve(scalarListBytesMax(Math.min(length, SCALARS_MAX)));
    const end = putScalarList(this.#bytes, this.#length, list, length);
    if (end < 0) return false;
    this.#length = end;
    return true;
  }

  /** Takes back everything behind this length. */
  rewind(byteLength: number): void {
    assert(byteLength >= HEADER_BYTES && byteLength <= this.#length, 'only what was added is taken back');
    this.#length = byteLength;
  }

  /** Puts a number below 128 in the place of one that `addNumber` added. */
  replaceNumber(at: number, number: number): void {
    const bytes = this.#bytes;
    if (bytes[at] === UINT_16) {
      bytes[at + 1] = 0;
      bytes[at + 2] = number;
    } else {
      bytes[at] = number;
    }
  }

  /** The array of `count` items. A view of memory that the next array is written to, after `clear`. */
  finish(count: number): Uint8Array {
    this.#bytes[0] = ARRAY_32;
    new DataView(this.#bytes.buffer).setUint32(1, count, false);
    return this.#bytes.subarray(0, this.#length);
  }

  /** The size of the items so far, without the array around them. */
  get itemsByteLength(): number {
    return this.#length - HEADER_BYTES;
  }

  /** Copies the items so far, without the array around them. */
  copyItems(into: Uint8Array, start: number): void {
    const items = this.#bytes;
    const size = this.#length - HEADER_BYTES;
    if (size > LOOP_COPY_BYTES_MAX) into.set(items.subarray(HEADER_BYTES, HEADER_BYTES + size), start);
    else for (let i = 0; i < size; i++) into[start + i] = items[HEADER_BYTES + i]!;
  }

  clear(): void {
    this.#length = HEADER_BYTES;
    if (this.#bytes.length > BYTES_KEPT) this.#bytes = new Uint8Array(BYTES_MIN);
  }
}

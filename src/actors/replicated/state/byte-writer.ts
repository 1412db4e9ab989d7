/**
 * The primitives of a state as bytes, gathered in one buffer that is handed on when it is full. Owned by one
 * StateWriter. Long strings and memory are not copied at once: they become a tail that is handed on piece by piece, so
 * that their writer can pause between the pieces; until the tail is written, nothing else may be.
 */

import { BYTES_PER_UNIT } from './run-in-slices.js';
import { FIXED_BYTES_MAX, SHORT_TEXT, SHORT_TEXT_MAX, Tag } from './state-format.js';

const BUFFER_BYTES = 128 * 1024;
/** Longer strings and memory are written as a tail. */
const AT_ONCE_BYTES_MAX = 16 * 1024;
/** How much of a tail is handed on at once. */
const PIECE_BYTES = 64 * 1024;

type TextEncoding = 'latin1' | 'utf16le';
const NOT_LATIN1 = /[^\0-\xff]/;

export class ByteWriter {
  readonly #out: (bytes: Uint8Array) => void;
  /** What is handed on: no Buffer, whose slice() would be no copy. */
  readonly #memory: Uint8Array<ArrayBuffer>;
  readonly #buffer: Buffer<ArrayBuffer>;
  readonly #view: DataView;
  #pos = 0;
  #tail: Uint8Array | string | null = null;
  #tailEncoding: TextEncoding = 'latin1';
  #tailPos = 0;

  /** `out` is given views of memory that is written to again when it has returned. */
  constructor(out: (bytes: Uint8Array) => void) {
    this.#out = out;
    // Not zeroed: nothing is handed on but what has been written.
    this.#buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);
    this.#memory = new Uint8Array(this.#buffer.buffer);
    this.#view = new DataView(this.#buffer.buffer);
  }

  /** Is there a tail, which must be written before anything else? */
  get hasTail(): boolean {
    return this.#tail !== null;
  }

  /** Writes up to so many units' worth of the tail; returns how many are left. */
  writeTail(units: number): number {
    let left = units;
    while (this.#tail !== null && left > 0) {
      const written = typeof this.#tail === 'string' ? this.#writeText(this.#tail) : this.#writeMemory(this.#tail);
      left -= Math.ceil(written / BYTES_PER_UNIT);
    }
    return left;
  }

  #writeText(text: string): number {
    const end = Math.min(text.length, this.#tailPos + PIECE_BYTES / 2);
    this.#room(PIECE_BYTES);
    const written = this.#buffer.write(text.slice(this.#tailPos, end), this.#pos, this.#tailEncoding);
    this.#pos += written;
    this.#advance(end, text.length);
    return written;
  }

  /** Hands on the memory itself: it is not copied here. */
  #writeMemory(memory: Uint8Array): number {
    this.flush();
    const end = Math.min(memory.length, this.#tailPos + PIECE_BYTES);
    const piece = memory.subarray(this.#tailPos, end);
    this.#out(piece);
    this.#advance(end, memory.length);
    return piece.length;
  }

  #advance(to: number, end: number): void {
    this.#tailPos = to;
    if (to === end) this.#tail = null;
  }

  /** Makes room for a value without its long part; to be called before each. */
  begin(): void {
    if (this.#pos > BUFFER_BYTES - FIXED_BYTES_MAX) this.flush();
  }

  #room(bytes: number): void {
    if (this.#pos + bytes > BUFFER_BYTES) this.flush();
  }

  flush(): void {
    if (this.#pos === 0) return;
    const bytes = this.#memory.subarray(0, this.#pos);
    this.#pos = 0;
    this.#out(bytes);
  }

  byte(byte: number): void {
    this.#buffer[this.#pos++] = byte;
  }

  /** A whole number that is not negative. */
  length(length: number): void {
    let rest = length;
    while (rest >= 0x80) {
      this.#buffer[this.#pos++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#buffer[this.#pos++] = rest;
  }

  float64(value: number): void {
    this.#view.setFloat64(this.#pos, value, true);
    this.#pos += 8;
  }

  /** The shortest form of a number, for the same number must always become the same bytes. */
  number(value: number): void {
    if ((value | 0) !== value || (value === 0 && 1 / value < 0)) {
      this.byte(Tag.float64);
      // One NaN for all of them: which one an operation gives depends on the machine.
      this.float64(Number.isNaN(value) ? Number.NaN : value);
    } else if (value >= 0 && value < 0x80) {
      this.byte(value);
    } else if (value >= -0x80 && value < 0x80) {
      this.byte(Tag.int8);
      this.byte(value);
    } else if (value >= -0x8000 && value < 0x8000) {
      this.byte(Tag.int16);
      this.#view.setInt16(this.#pos, value, true);
      this.#pos += 2;
    } else {
      this.byte(Tag.int32);
      this.#view.setInt32(this.#pos, value, true);
      this.#pos += 4;
    }
  }

  text(text: string): void {
    const { length } = text;
    if (length <= SHORT_TEXT_MAX && this.#shortText(text)) return;
    const encoding = NOT_LATIN1.test(text) ? 'utf16le' : 'latin1';
    this.byte(encoding === 'latin1' ? Tag.text8 : Tag.text16);
    this.length(length);
    const bytes = encoding === 'latin1' ? length : 2 * length;
    if (bytes > AT_ONCE_BYTES_MAX) {
      this.#setTail(text);
      this.#tailEncoding = encoding;
    } else {
      this.#room(bytes);
      this.#pos += this.#buffer.write(text, this.#pos, encoding);
    }
  }

  /** Writes nothing, and returns false, when a character takes more than a byte. */
  #shortText(text: string): boolean {
    const { length } = text;
    const buffer = this.#buffer;
    let pos = this.#pos;
    buffer[pos++] = SHORT_TEXT | length;
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i);
      if (code > 0xff) return false;
      buffer[pos++] = code;
    }
    this.#pos = pos;
    return true;
  }

  bigint(value: bigint): void {
    const hex = (value < 0n ? -value : value).toString(16);
    this.byte(value < 0n ? Tag.negativeBigint : Tag.bigint);
    this.memory(new Uint8Array(Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex')));
  }

  /**
   * A length and the bytes. What is longer than a buffer is not copied: it must not change until the tail is written.
   */
  memory(bytes: Uint8Array): void {
    this.length(bytes.length);
    if (bytes.length > AT_ONCE_BYTES_MAX) {
      this.#setTail(bytes);
      return;
    }
    this.#room(bytes.length);
    this.#buffer.set(bytes, this.#pos);
    this.#pos += bytes.length;
  }

  #setTail(tail: Uint8Array | string): void {
    this.#tail = tail;
    this.#tailPos = 0;
  }
}

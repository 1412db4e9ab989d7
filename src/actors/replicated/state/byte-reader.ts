/**
 * The primitives of a state read from a stream's bytes. Owned by one StateReader, which asks for bytes when it is told
 * that they are missing; until they are gathered nothing else may be read. What the stream says is not believed:
 * lengths must be backed by bytes.
 */

import { ByteJoiner } from './byte-joiner.js';
import { BYTES_PER_UNIT, SLICE_UNITS } from './run-in-slices.js';
import { FIXED_BYTES_MAX, Tag } from './state-format.js';

/** What is wrong with a stream. */
export class Damage extends Error {
  override readonly name = 'Damage';
}

/** In place of a value whose bytes have not all come yet. */
export const MISSING = Symbol('missing');
export type Missing = typeof MISSING;

/** Enough for what is exact as a number. */
const LENGTH_BYTES_MAX = 7;

export class ByteReader {
  readonly #joiner: ByteJoiner;
  #bytes: Latin1 = Buffer.alloc(0) as Latin1;
  #view: DataView = new DataView(new ArrayBuffer(0));
  #pos = 0;
  /** Where the bytes end; what lies behind is padding. */
  #end = 0;
  /** A value that starts here or before can be read without looking for the end, except for its long part. */
  #lastStart = -1;
  /** The offset of the bytes within the stream. */
  #offset = 0;
  #isJoining = false;
  /** How many bytes from here on are needed before anything can be read, 0 for none. */
  #wanted = 0;
  /** What is left of the slice. */
  units = SLICE_UNITS;

  constructor(next: () => Uint8Array | null) {
    this.#joiner = new ByteJoiner(next);
  }

  /** How far into the stream it has got. */
  get offset(): number {
    return this.#offset + this.#pos;
  }

  /**
   * Gets the bytes that are wanted. False at the end of a slice, to be called again. Throws what `next` throws, and
   * nothing else.
   */
  gather(): boolean {
    if (this.units > 0 && this.#wanted > 0) {
      if (!this.#isJoining) this.#beginToJoin();
      this.units = this.#joiner.join(this.#wanted, this.units);
      if (this.units > 0) this.#endJoining();
    }
    if (this.units > 0) return true;
    this.units = SLICE_UNITS;
    return false;
  }

  #beginToJoin(): void {
    this.#joiner.begin(this.#bytes.subarray(this.#pos, this.#end));
    this.#offset += this.#pos;
    this.#pos = 0;
    this.#end = 0;
    this.#isJoining = true;
  }

  #endJoining(): void {
    const bytes = this.#joiner.take();
    const { hasEnded } = this.#joiner;
    this.#bytes = bytes as Latin1;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#end = hasEnded ? bytes.length - FIXED_BYTES_MAX : bytes.length;
    this.#lastStart = hasEnded ? this.#end - 1 : this.#end - FIXED_BYTES_MAX;
    this.#isJoining = false;
    this.#wanted = 0;
  }

  /** False, for so many bytes from here on are to be gathered. */
  #want(bytes: number): false {
    if (this.#joiner.hasEnded) throw new Damage('it is cut off');
    this.#wanted = bytes;
    return false;
  }

  /** Can the next value be read, as far as its fixed part goes? If not, more bytes are to be gathered. */
  isReady(): boolean {
    return this.#pos <= this.#lastStart || this.#want(FIXED_BYTES_MAX);
  }

  /** Is this the end of the stream? False when that is not known before more bytes are gathered. */
  isAtEnd(): boolean {
    if (this.#pos < this.#end) throw new Damage('more follows where it should end');
    return this.#joiner.hasEnded || this.#want(1);
  }

  /** Throws when what was read last was not all there: at its end a stream is padded. */
  checkEnd(): void {
    if (this.#pos > this.#end) throw new Damage('it is cut off');
  }

  get position(): number {
    return this.#pos;
  }

  /** Back to where a value starts that is MISSING: all of it is read again when its bytes have come. */
  rewind(start: number): Missing {
    this.#wanted += this.#pos - start;
    this.#pos = start;
    return MISSING;
  }

  byte(): number {
    return this.#bytes[this.#pos++]!;
  }

  peek(): number {
    return this.#bytes[this.#pos]!;
  }

  skip(): void {
    this.#pos++;
  }

  length(): number {
    let length = 0;
    let scale = 1;
    for (let i = 0; i < LENGTH_BYTES_MAX; i++) {
      const byte = this.byte();
      length += (byte & 0x7f) * scale;
      if (byte < 0x80) return length;
      scale *= 0x80;
    }
    throw new Damage('a length is too large');
  }

  float64(): number {
    const value = this.#view.getFloat64(this.#pos, true);
    this.#pos += 8;
    return value;
  }

  shortText(length: number): string {
    const start = this.#pos;
    this.#pos = start + length;
    return this.#bytes.latin1Slice(start, start + length);
  }

  /** The primitive that has this tag. */
  primitive(tag: number): unknown {
    switch (tag) {
      case Tag.undefined:
        return undefined;
      case Tag.null:
        return null;
      case Tag.false:
        return false;
      case Tag.true:
        return true;
      case Tag.int8:
        return this.#view.getInt8(this.#pos++);
      case Tag.int16:
        this.#pos += 2;
        return this.#view.getInt16(this.#pos - 2, true);
      case Tag.int32:
        this.#pos += 4;
        return this.#view.getInt32(this.#pos - 4, true);
      case Tag.float64:
        return this.float64();
      case Tag.text8:
        return this.#text('latin1', 1);
      case Tag.text16:
        return this.#text('utf16le', 2);
      case Tag.bigint:
      case Tag.negativeBigint:
        return this.#bigint(tag);
      default:
        throw new Damage(`no value starts with ${tag}`);
    }
  }

  /** A length in so many bytes each, and then them: where they start. */
  #long(size: number): number | Missing {
    const bytes = this.length() * size;
    const start = this.#pos;
    if (start + bytes > this.#end) {
      this.#want(bytes);
      return MISSING;
    }
    this.#pos = start + bytes;
    this.units -= Math.floor(bytes / BYTES_PER_UNIT);
    return start;
  }

  #text(encoding: 'latin1' | 'utf16le', size: number): string | Missing {
    const start = this.#long(size);
    return start === MISSING ? MISSING : this.#bytes.toString(encoding, start, this.#pos);
  }

  #bigint(tag: number): bigint | Missing {
    const start = this.#long(1);
    if (start === MISSING) return MISSING;
    const magnitude = BigInt(`0x0${this.#bytes.toString('hex', start, this.#pos)}`);
    return tag === Tag.bigint ? magnitude : -magnitude;
  }

  /** A length, and a copy of so many bytes. */
  memory(): ArrayBuffer | Missing {
    const start = this.#long(1);
    return start === MISSING ? MISSING : new Uint8Array(this.#bytes.subarray(start, this.#pos)).buffer;
  }
}

/** The engine's own, which `toString` of a Buffer calls in the end. */
interface Latin1 extends Buffer {
  latin1Slice(start: number, end: number): string;
}

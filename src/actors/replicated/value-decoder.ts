/**
 * Makes values of bytes in which `complaintAboutBytes` has found nothing wrong: every length is backed by bytes, and nothing
 * nests too deep, so none of that is looked at again. Every replica decodes every command: for strings and objects this
 * takes about half the time of the decoder of @msgpack/msgpack, which must be ready for bytes that are still to come. Owned by
 * one ValueCodec.
 */

import { ContainerMark, decodeExtension } from './value-forms.js';

/** Shorter strings of ASCII are put together from their characters, longer ones by the engine: a call into it costs more. */
const TEXT_BYTES_MIN = 16;
const NO_BYTES = new Uint8Array(0);
const NO_VIEW = new DataView(NO_BYTES.buffer);

export class ValueDecoder {
  /** Were there containers among the values of the last call, which are to be raised? */
  hasMarks = false;
  #bytes: Uint8Array = NO_BYTES;
  #view: DataView = NO_VIEW;
  #at = 0;

  /**
   * The one value that the bytes hold.
   *
   * @throws RangeError when there is no such extension, its data does not fit its type, or a key is `__proto__`.
   */
  decode(bytes: Uint8Array): unknown {
    this.hasMarks = false;
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#at = 0;
    try {
      return this.#read();
    } finally {
      this.#bytes = NO_BYTES;
      this.#view = NO_VIEW;
    }
  }

  #read(): unknown {
    const head = this.#bytes[this.#at++]!;
    if (head < 0x80) return head;
    if (head >= 0xe0) return head - 0x100;
    if (head < 0x90) return this.#readObject(head & 0x0f);
    if (head < 0xa0) return this.#readArray(head & 0x0f);
    if (head < 0xc0) return this.#readString(head & 0x1f);
    return this.#readSized(head);
  }

  #readSized(head: number): unknown {
    const view = this.#view;
    const at = this.#at;
    switch (head) {
      case 0xc0:
        return null;
      case 0xc2:
        return false;
      case 0xc3:
        return true;
      case 0xc7:
        return this.#readExtension(this.#advance(1, view.getUint8(at)));
      case 0xc8:
        return this.#readExtension(this.#advance(2, view.getUint16(at)));
      case 0xc9:
        return this.#readExtension(this.#advance(4, view.getUint32(at)));
      case 0xcb:
        return this.#advance(8, view.getFloat64(at));
      case 0xcc:
        return this.#advance(1, view.getUint8(at));
      case 0xcd:
        return this.#advance(2, view.getUint16(at));
      case 0xce:
        return this.#advance(4, view.getUint32(at));
      case 0xcf:
        return this.#advance(8, view.getUint32(at) * 2 ** 32 + view.getUint32(at + 4));
      case 0xd0:
        return this.#advance(1, view.getInt8(at));
      case 0xd1:
        return this.#advance(2, view.getInt16(at));
      case 0xd2:
        return this.#advance(4, view.getInt32(at));
      case 0xd3:
        return this.#advance(8, view.getInt32(at) * 2 ** 32 + view.getUint32(at + 4));
      case 0xd9:
        return this.#readString(this.#advance(1, view.getUint8(at)));
      case 0xda:
        return this.#readString(this.#advance(2, view.getUint16(at)));
      case 0xdb:
        return this.#readString(this.#advance(4, view.getUint32(at)));
      case 0xdc:
        return this.#readArray(this.#advance(2, view.getUint16(at)));
      case 0xdd:
        return this.#readArray(this.#advance(4, view.getUint32(at)));
      case 0xde:
        return this.#readObject(this.#advance(2, view.getUint16(at)));
      case 0xdf:
        return this.#readObject(this.#advance(4, view.getUint32(at)));
      default:
        // All that is left of the heads that the check lets pass: 1, 2, 4, 8 or 16 bytes.
        return this.#readExtension(2 ** (head - 0xd4));
    }
  }

  /** Goes on behind a number that has been read. */
  #advance(bytes: number, number: number): number {
    this.#at += bytes;
    return number;
  }

  #readArray(length: number): unknown[] {
    const array = new Array<unknown>(length);
    for (let index = 0; index < length; index++) array[index] = this.#read();
    return array;
  }

  #readObject(size: number): Record<string, unknown> {
    const object: Record<string, unknown> = {};
    for (let entry = 0; entry < size; entry++) {
      const key = this.#read() as string;
      // The encoder writes such an object in another form; here it would set the prototype.
      if (key === '__proto__') throw new RangeError('a key is __proto__');
      object[key] = this.#read();
    }
    return object;
  }

  #readExtension(length: number): unknown {
    const type = this.#view.getInt8(this.#at);
    const start = this.#at + 1;
    this.#at = start + length;
    const value = decodeExtension(this.#bytes.subarray(start, this.#at), type);
    if (value instanceof ContainerMark) this.hasMarks = true;
    return value;
  }

  #readString(length: number): string {
    const bytes = this.#bytes;
    const start = this.#at;
    const end = start + length;
    this.#at = end;
    if (length < TEXT_BYTES_MIN) {
      let bits = 0;
      for (let index = start; index < end; index++) bits |= bytes[index]!;
      if (bits < 0x80) return asciiOf(bytes, start, length);
    }
    return Buffer.from(bytes.buffer, bytes.byteOffset + start, length).toString('utf8');
  }
}

/** A string of fewer than 16 characters, in as few calls and concatenations as can be. */
function asciiOf(bytes: Uint8Array, start: number, length: number): string {
  let at = start;
  let text = '';
  if ((length & 8) !== 0) {
    text = String.fromCharCode(
      bytes[at]!,
      bytes[at + 1]!,
      bytes[at + 2]!,
      bytes[at + 3]!,
      bytes[at + 4]!,
      bytes[at + 5]!,
      bytes[at + 6]!,
      bytes[at + 7]!,
    );
    at += 8;
  }
  if ((length & 4) !== 0) {
    text += String.fromCharCode(bytes[at]!, bytes[at + 1]!, bytes[at + 2]!, bytes[at + 3]!);
    at += 4;
  }
  if ((length & 2) !== 0) {
    text += String.fromCharCode(bytes[at]!, bytes[at + 1]!);
    at += 2;
  }
  return (length & 1) === 0 ? text : text + String.fromCharCode(bytes[at]!);
}

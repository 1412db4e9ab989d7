/**
 * The frame: what every byte on a connection belongs to. Writes headers and cuts a stream of chunks into frames; knows
 * nothing of what they mean, holds at most one unfinished frame, and never looks at a payload.
 *
 *   offset  size  field 0     4  how many bytes follow this field, little-endian like all numbers here 4     1  type:
 *        hello 1, refused 2, message 3, keepalive 4, adminHello 5, adminRequest 6, adminAnswer 7 5     1  code: the
 *        type of a message; the protocol's version in a hello; 1 in the answer to what was not done; otherwise zero 6  
 *          2  group that a message belongs to; otherwise zero 8     4  meta length in bytes 12     …  meta (msgpack),
 *        then payload (raw bytes) to the end of the frame
 */

import { protocolError } from './protocol-error.js';

export const FRAME_HEADER_BYTES = 12;

/** The part of a header that the length field does not count: itself. */
const LENGTH_BYTES = 4;

/** The largest meta of any frame: fields only, never payloads. */
export const META_BYTES_MAX = 4_096 - FRAME_HEADER_BYTES;

/**
 * Every frame before the hello has been accepted is at most this long, so strangers can make us hold only this much.
 */
export const HELLO_FRAME_BYTES_MAX = FRAME_HEADER_BYTES + META_BYTES_MAX;

/** The number is the form on the wire, and is never given to another type. */
export const FrameType = {
  hello: 1,
  refused: 2,
  message: 3,
  keepalive: 4,
  adminHello: 5,
  adminRequest: 6,
  adminAnswer: 7,
} as const;
export type FrameType = (typeof FrameType)[keyof typeof FrameType];

/** One frame. `meta` and `payload` are views of the memory that the bytes were read into, which is never reused. */
export interface Frame {
  type: FrameType;
  code: number;
  group: number;
  meta: Uint8Array;
  payload: Uint8Array;
}

/** Takes frames to be sent. */
export interface FrameSink {
  /** Copies `meta` before it returns; may keep a view of `payload` until it has been sent. */
  writeFrame(type: FrameType, code: number, group: number, meta: Uint8Array, payload: Uint8Array): void;
}

export const NO_BYTES = new Uint8Array(0);

/** Writes a header at `offset`, and returns where it ends. */
export function writeFrameHeader(
  target: Buffer,
  offset: number,
  type: FrameType,
  code: number,
  group: number,
  metaBytes: number,
  payloadBytes: number,
): number {
  target.writeUInt32LE(FRAME_HEADER_BYTES - LENGTH_BYTES + metaBytes + payloadBytes, offset);
  target[offset + 4] = type;
  target[offset + 5] = code;
  target.writeUInt16LE(group, offset + 6);
  target.writeUInt32LE(metaBytes, offset + 8);
  return offset + FRAME_HEADER_BYTES;
}

/**
 * Cuts chunks into frames: `push` a chunk, then call `next` until it answers null. A frame that lies within one chunk
 * is a view of it; one that spans chunks is put together in one buffer of exactly its length.
 */
export class FrameReader {
  /** The longest frame, header included, that is taken from here on. */
  frameBytesMax: number;
  /** What has been pushed; read up to `#position`. */
  #chunk: Uint8Array = NO_BYTES;
  #position = 0;
  /** A header that spans chunks; its first `#headerFilled` bytes are there. */
  readonly #header = new Uint8Array(FRAME_HEADER_BYTES);
  #headerFilled = 0;
  /** Has the header of the current frame been read, and its body not? */
  #inBody = false;
  #metaBytes = 0;
  /** Meta and payload together. */
  #bodyBytes = 0;
  /** A body that spans chunks; its first `#bodyFilled` bytes are there. */
  #body: Uint8Array | null = null;
  #bodyFilled = 0;
  /** Handed out again and again, so that reading allocates nothing but views. */
  readonly #frame: Frame = { type: FrameType.keepalive, code: 0, group: 0, meta: NO_BYTES, payload: NO_BYTES };

  constructor(frameBytesMax: number) {
    this.frameBytesMax = frameBytesMax;
  }

  /** Has the stream stopped in the middle of a frame? Asked at its end, when `next` has answered null. */
  get isMidFrame(): boolean {
    return this.#inBody || this.#headerFilled > 0;
  }

  /** Takes the next chunk of the stream. The one before must have been read until `next` answered null. */
  push(chunk: Uint8Array): void {
    this.#chunk = chunk;
    this.#position = 0;
  }

  /**
   * The next whole frame, valid until the next call (its views for as long as you like); null when the chunk ends
   * first.
   *
   * @throws ConclaveError `ERR_PROTOCOL` for a header that is not the protocol's or a frame that is too large. The
   *   stream cannot be read any further.
   */
  next(): Frame | null {
    if ((this.#inBody || this.#readHeader()) && this.#readBody()) return this.#frame;
    this.#chunk = NO_BYTES;
    this.#position = 0;
    this.#frame.meta = NO_BYTES;
    this.#frame.payload = NO_BYTES;
    return null;
  }

  #readHeader(): boolean {
    const chunk = this.#chunk;
    if (this.#headerFilled === 0 && chunk.length - this.#position >= FRAME_HEADER_BYTES) {
      this.#parseHeader(chunk, this.#position);
      this.#position += FRAME_HEADER_BYTES;
      return true;
    }
    while (this.#headerFilled < FRAME_HEADER_BYTES) {
      if (this.#position === chunk.length) return false;
      this.#header[this.#headerFilled++] = chunk[this.#position++]!;
    }
    this.#headerFilled = 0;
    this.#parseHeader(this.#header, 0);
    return true;
  }

  #parseHeader(bytes: Uint8Array, at: number): void {
    const frame = this.#frame;
    const frameBytes = LENGTH_BYTES + readUint32(bytes, at);
    const type = bytes[at + 4]!;
    const metaBytes = readUint32(bytes, at + 8);
    if (frameBytes < FRAME_HEADER_BYTES) {
      throw protocolError('A frame is shorter than its header.', { frameBytes });
    }
    if (frameBytes > this.frameBytesMax) {
      throw protocolError('A frame is too large.', { frameBytes, frameBytesMax: this.frameBytesMax });
    }
    if (type < FrameType.hello || type > FrameType.adminAnswer) {
      throw protocolError('A frame is of a type that does not exist.', { type });
    }
    if (metaBytes > META_BYTES_MAX || metaBytes > frameBytes - FRAME_HEADER_BYTES) {
      throw protocolError('The meta of a frame is too large.', { metaBytes, metaBytesMax: META_BYTES_MAX, frameBytes });
    }
    frame.type = type as FrameType;
    frame.code = bytes[at + 5]!;
    frame.group = bytes[at + 6]! | (bytes[at + 7]! << 8);
    this.#metaBytes = metaBytes;
    this.#bodyBytes = frameBytes - FRAME_HEADER_BYTES;
    this.#inBody = true;
  }

  #readBody(): boolean {
    const chunk = this.#chunk;
    const position = this.#position;
    const available = chunk.length - position;
    if (this.#body === null) {
      if (available >= this.#bodyBytes) {
        this.#position = position + this.#bodyBytes;
        this.#finish(chunk, position);
        return true;
      }
      // Not zeroed: every byte of it is written before anyone sees it.
      this.#body = Buffer.allocUnsafeSlow(this.#bodyBytes);
      this.#bodyFilled = 0;
    }
    const body = this.#body;
    const taken = Math.min(available, this.#bodyBytes - this.#bodyFilled);
    if (taken > 0) body.set(chunk.subarray(position, position + taken), this.#bodyFilled);
    this.#bodyFilled += taken;
    this.#position = position + taken;
    if (this.#bodyFilled < this.#bodyBytes) return false;
    this.#body = null;
    this.#finish(body, 0);
    return true;
  }

  #finish(bytes: Uint8Array, start: number): void {
    const metaEnd = start + this.#metaBytes;
    const end = start + this.#bodyBytes;
    const frame = this.#frame;
    const origin = bytes.byteOffset;
    frame.meta = this.#metaBytes === 0 ? NO_BYTES : new Uint8Array(bytes.buffer, origin + start, this.#metaBytes);
    frame.payload = end === metaEnd ? NO_BYTES : new Uint8Array(bytes.buffer, origin + metaEnd, end - metaEnd);
    this.#inBody = false;
  }
}

function readUint32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
}

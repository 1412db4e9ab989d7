/**
 * Gathers the frames that go out on one socket, and writes them in one system call. Small frames are put one behind the
 * other into a buffer of its own; large payloads are passed on as they are, as views of their owner's memory.
 */

import type { Socket } from 'node:net';
import { FRAME_HEADER_BYTES, writeFrameHeader, type FrameSink, type FrameType } from './frame.js';

const BUFFER_BYTES = 65_536;

/** Up to here copying a payload costs less than the system handling one more piece of memory. */
const COPIED_BYTES_MAX = 4_096;

export class SendBuffer implements FrameSink {
  readonly #socket: Socket;
  #buffer: Buffer = Buffer.alloc(0);
  /** The gathered but not yet cut-off part of `#buffer`: [start, end). Before it is what the socket may still hold. */
  #start = 0;
  #end = 0;
  /** Pieces gathered, in order; `[#start, #end)` comes behind them. */
  readonly #pieces: Uint8Array[] = [];
  #gatheredBytes = 0;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** How many bytes wait, here and in the socket, for the system to take them. */
  get waitingBytes(): number {
    return this.#gatheredBytes + this.#socket.writableLength;
  }

  get isEmpty(): boolean {
    return this.#gatheredBytes === 0;
  }

  writeFrame(type: FrameType, code: number, group: number, meta: Uint8Array, payload: Uint8Array): void {
    const isCopied = payload.length <= COPIED_BYTES_MAX;
    this.#makeRoom(FRAME_HEADER_BYTES + meta.length + (isCopied ? payload.length : 0));
    this.#end = writeFrameHeader(this.#buffer, this.#end, type, code, group, meta.length, payload.length);
    this.#append(meta);
    if (isCopied) {
      this.#append(payload);
    } else {
      this.#cut();
      this.#pieces.push(payload);
    }
    this.#gatheredBytes += FRAME_HEADER_BYTES + meta.length + payload.length;
  }

  /** Hands everything gathered to the socket, whose own buffer takes what the system does not take at once. */
  flush(): void {
    if (this.#gatheredBytes === 0) return;
    this.#gatheredBytes = 0;
    this.#cut();
    const socket = this.#socket;
    const pieces = this.#pieces;
    if (pieces.length === 1) {
      socket.write(pieces[0]!);
    } else {
      socket.cork();
      for (const piece of pieces) socket.write(piece);
      socket.uncork();
    }
    pieces.length = 0;
  }

  #append(bytes: Uint8Array): void {
    this.#buffer.set(bytes, this.#end);
    this.#end += bytes.length;
  }

  #makeRoom(bytes: number): void {
    // Nothing waits anywhere, so nobody looks at the buffer any more: begin at its front again.
    if (this.#gatheredBytes === 0 && this.#socket.writableLength === 0) this.#start = this.#end = 0;
    if (this.#end + bytes <= this.#buffer.length) return;
    this.#cut();
    this.#buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);
    this.#start = this.#end = 0;
  }

  #cut(): void {
    if (this.#start === this.#end) return;
    this.#pieces.push(this.#buffer.subarray(this.#start, this.#end));
    this.#start = this.#end;
  }
}

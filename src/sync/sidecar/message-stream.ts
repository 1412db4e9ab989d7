/**
 * Messages on a socket: each is a length of four bytes, little-endian, and a value. Holds one unfinished message at
 * most, and as much that has not been sent yet as a limit says; past either, or given what is no message, the
 * connection ends. On the thread of the socket.
 */

import type { Duplex } from 'node:stream';
import { ValueCodec } from '../../actors/replicated/value-codec.js';
import { ConclaveError } from '../../errors.js';

const LENGTH_BYTES = 4;
/** Bytes of one message: a claim with what it says to those who look. */
const MESSAGE_BYTES_MAX = 1024 * 1024;
/** Bytes that wait to be sent: whoever does not read is given up. */
const UNSENT_BYTES_MAX = 8 * 1024 * 1024;

export interface MessageStreamOptions {
  readonly socket: Duplex;
  /** What came in before it was a stream of messages. */
  readonly head: Uint8Array;
  readonly onMessage: (message: unknown) => void;
  /** Called once, when the connection is over, whoever has ended it. */
  readonly onEnd: (error: Error | null) => void;
}

export class MessageStream {
  readonly #socket: Duplex;
  readonly #onMessage: (message: unknown) => void;
  readonly #codec = new ValueCodec();
  #unread: Buffer = Buffer.alloc(0);

  constructor({ socket, head, onMessage, onEnd }: MessageStreamOptions) {
    this.#socket = socket;
    this.#onMessage = onMessage;
    let failure: Error | null = null;
    socket.on('error', (error) => (failure = error));
    socket.once('close', () => onEnd(failure));
    // Whoever has said all has gone.
    socket.once('end', () => socket.destroy());
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    if (head.length > 0) this.#receive(Buffer.from(head));
  }

  /** @throws ConclaveError `ERR_NOT_ENCODABLE`: nothing was sent; `ERR_COMMAND_TOO_LARGE` */
  send(message: object): void {
    const bytes = this.#codec.encodeInto(message, 'message');
    if (bytes.length > MESSAGE_BYTES_MAX) throw tooLarge(bytes.length);
    const frame = Buffer.allocUnsafe(LENGTH_BYTES + bytes.length);
    frame.writeUInt32LE(bytes.length, 0);
    frame.set(bytes, LENGTH_BYTES);
    if (this.#socket.destroyed) return;
    this.#socket.write(frame);
    if (this.#socket.writableLength > UNSENT_BYTES_MAX) this.end();
  }

  end(): void {
    this.#socket.destroy();
  }

  #receive(chunk: Buffer): void {
    this.#unread = this.#unread.length === 0 ? chunk : Buffer.concat([this.#unread, chunk]);
    try {
      for (let message = this.#take(); message !== undefined; message = this.#take()) {
        if (this.#socket.destroyed) return;
        this.#onMessage(this.#codec.decode(message));
      }
    } catch (error) {
      this.#socket.destroy(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #take(): Buffer | undefined {
    if (this.#unread.length < LENGTH_BYTES) return undefined;
    const length = this.#unread.readUInt32LE(0);
    if (length > MESSAGE_BYTES_MAX) throw tooLarge(length);
    const end = LENGTH_BYTES + length;
    if (this.#unread.length < end) return undefined;
    const message = this.#unread.subarray(LENGTH_BYTES, end);
    this.#unread = this.#unread.subarray(end);
    return message;
  }
}

function tooLarge(bytes: number): ConclaveError {
  return new ConclaveError(
    'ERR_COMMAND_TOO_LARGE',
    `A message of ${bytes} bytes is longer than ${MESSAGE_BYTES_MAX}.`,
    {
      data: { bytes, max: MESSAGE_BYTES_MAX },
    },
  );
}

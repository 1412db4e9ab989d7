/**
 * One TCP connection cut into frames: reads them, gathers and writes them, and ends. Belongs to a handshake first and
 * to a link afterwards, and knows nothing of either; does not reconnect.
 */

import type { Socket } from 'node:net';
import { assert } from '../assert.js';
import { FrameReader, HELLO_FRAME_BYTES_MAX, type Frame } from './frame.js';
import { writeRefusal, type Refusal } from './hello.js';
import { isProtocolError } from './protocol-error.js';
import { SendBuffer } from './send-buffer.js';

/** Who a connection belongs to. */
export interface ConnectionOwner {
  /** Called for each frame, in order, all of one chunk in one turn. The frame is valid during the call. */
  onFrame(frame: Frame): void;
  /** Called once, and nothing after it. */
  onClosed(reason: string): void;
}

/** How the reason begins when bytes from the other side are not what the protocol says. */
export const PROTOCOL_ERROR = 'protocol error';

/** How long the other side gets to read why it was refused. */
const REFUSAL_LINGER_MS = 1_000;

const TCP_KEEPALIVE_DELAY_MS = 10_000;

export class TcpConnection {
  /** What is to be sent. It goes out on `flush`. */
  readonly out: SendBuffer;
  /** Has anything been received since this was last set to false? */
  hasReceived = false;
  #owner: ConnectionOwner;
  readonly #socket: Socket;
  readonly #reader = new FrameReader(HELLO_FRAME_BYTES_MAX);
  #isClosed = false;
  #linger: NodeJS.Timeout | undefined;

  constructor(socket: Socket, owner: ConnectionOwner) {
    this.#socket = socket;
    this.#owner = owner;
    this.out = new SendBuffer(socket);
    socket.setNoDelay(true);
    socket.setKeepAlive(true, TCP_KEEPALIVE_DELAY_MS);
    socket.on('data', (chunk: Buffer) => this.#onData(chunk));
    socket.on('end', () => {
      this.close(
        this.#reader.isMidFrame ? 'closed by the other side in the middle of a frame' : 'closed by the other side',
      );
    });
    socket.on('error', (error: NodeJS.ErrnoException) => this.close(error.code ?? error.message));
    socket.on('close', () => {
      clearTimeout(this.#linger);
      this.close('closed');
    });
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Hands the connection to another owner, from the next frame on, and lets frames be as long as `frameBytesMax`. */
  handOver(owner: ConnectionOwner, frameBytesMax: number): void {
    assert(!this.#isClosed, 'a closed connection is not handed over');
    this.#owner = owner;
    this.#reader.frameBytesMax = frameBytesMax;
  }

  flush(): void {
    if (!this.#isClosed) this.out.flush();
  }

  /** Ends the connection at once. What has not been sent is lost. */
  close(reason: string): void {
    this.#socket.destroy();
    this.#end(reason);
  }

  /** Ends the connection, with a last frame that tells the other side why. */
  refuse(refusal: Refusal): void {
    if (this.#isClosed) return;
    writeRefusal(refusal, this.out);
    this.out.flush();
    // Closing a socket that has unread bytes makes the system throw away what the other side has not read yet, so this
    // half is closed first, and whatever still comes in is read and ignored.
    this.#socket.end();
    this.#linger = setTimeout(() => this.#socket.destroy(), REFUSAL_LINGER_MS);
    this.#end(`refused: ${refusal.message}`);
  }

  /** Ends the connection if `error` is a protocol error; anything else is ours, and is thrown on. */
  fail(error: unknown): void {
    if (!isProtocolError(error)) throw error;
    this.close(`${PROTOCOL_ERROR}: ${error.message} ${JSON.stringify(error.data)}`);
  }

  #end(reason: string): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#owner.onClosed(reason);
  }

  #onData(chunk: Buffer): void {
    if (this.#isClosed) return;
    this.hasReceived = true;
    this.#reader.push(chunk);
    for (let frame = this.#nextFrame(); frame !== null; frame = this.#nextFrame()) this.#owner.onFrame(frame);
  }

  #nextFrame(): Frame | null {
    if (this.#isClosed) return null;
    try {
      return this.#reader.next();
    } catch (error) {
      this.fail(error);
      return null;
    }
  }
}

/**
 * One accepted connection to one peer: sends and receives messages, keeps the connection alive, and gives up on a peer
 * that has fallen silent. Drops what a slow peer does not take; a new connection is a new link.
 */

import type { Incarnation, NodeId } from '../ids.js';
import type { Logger } from '../runtime/logger.js';
import type { MessageCodec } from './codec.js';
import { codeVersionMaxOf } from './code-history.js';
import { FrameType, NO_BYTES, type Frame } from './frame.js';
import { describeRefusal, readRefusal, type Hello, type Refusal } from './hello.js';
import { protocolError } from './protocol-error.js';
import type { ConnectionOwner, TcpConnection } from './tcp-connection.js';
import type { NodeMessage } from './transport.js';

export interface PeerLinkOptions {
  readonly hello: Hello;
  readonly codec: MessageCodec;
  readonly frameBytesMax: number;
  readonly linkBufferBytesMax: number;
  readonly logger: Logger;
  readonly onMessage: (message: NodeMessage) => void;
  readonly onClosed: (link: PeerLink, reason: string) => void;
}

/** A link is swept this many times per keepalive interval. */
export const SWEEPS_PER_KEEPALIVE = 2;

/** Closed when nothing has been received for three keepalive intervals. */
const SILENT_SWEEPS_MAX = 3 * SWEEPS_PER_KEEPALIVE;

export class PeerLink implements ConnectionOwner {
  readonly peer: NodeId;
  readonly incarnation: Incarnation;
  readonly codeVersionMax: number;
  readonly #connection: TcpConnection;
  readonly #options: PeerLinkOptions;
  #hasSent = false;
  #sweeps = 0;
  /** Sweeps in a row that found nothing received. Counted, not timed: a thread that stood still blames no peer. */
  #silentSweeps = 0;
  /** Dropped since the last sweep: too much was waiting, and too large for a frame. */
  #dropped = 0;
  #tooLarge = 0;

  constructor(connection: TcpConnection, options: PeerLinkOptions) {
    this.peer = options.hello.from;
    this.incarnation = options.hello.incarnation;
    this.codeVersionMax = codeVersionMaxOf(options.hello.code);
    this.#connection = connection;
    this.#options = options;
    connection.handOver(this, options.frameBytesMax);
  }

  /** How often it has been swept. */
  get sweeps(): number {
    return this.#sweeps;
  }

  /** Gathers a message for `flush`, or drops it. */
  send(message: NodeMessage): void {
    const { out } = this.#connection;
    if (out.waitingBytes > this.#options.linkBufferBytesMax) this.#dropped++;
    else if (!this.#options.codec.encode(message, out)) this.#tooLarge++;
  }

  flush(): void {
    if (this.#connection.out.isEmpty) return;
    this.#hasSent = true;
    this.#connection.flush();
  }

  close(reason: string): void {
    this.#connection.close(reason);
  }

  /** Closes, and tells the peer why. */
  refuse(refusal: Refusal): void {
    this.#connection.refuse(refusal);
  }

  /**
   * Called {@link SWEEPS_PER_KEEPALIVE} times per keepalive interval: an idle link sends a frame, a dead one closes.
   */
  sweep(): void {
    this.#sweeps++;
    this.#logDropped();
    this.#silentSweeps = this.#connection.hasReceived ? 0 : this.#silentSweeps + 1;
    this.#connection.hasReceived = false;
    if (this.#silentSweeps >= SILENT_SWEEPS_MAX) {
      this.close('nothing received for three keepalive intervals');
      return;
    }
    // What waits already will show that we live when it gets through; more would only pile up behind it.
    if (!this.#hasSent && this.#connection.out.waitingBytes === 0) {
      this.#connection.out.writeFrame(FrameType.keepalive, 0, 0, NO_BYTES, NO_BYTES);
      this.#connection.flush();
    }
    this.#hasSent = false;
  }

  onFrame(frame: Frame): void {
    const message = this.#read(frame);
    if (message !== null) this.#options.onMessage(message);
  }

  onClosed(reason: string): void {
    this.#logDropped();
    this.#options.onClosed(this, reason);
  }

  #read(frame: Frame): NodeMessage | null {
    try {
      if (frame.type === FrameType.message) return this.#options.codec.decode(frame, this.peer);
      if (frame.type === FrameType.refused) this.close(describeRefusal(readRefusal(frame)));
      else if (frame.type === FrameType.hello) throw protocolError('A second hello.', {});
      else if (frame.type !== FrameType.keepalive)
        throw protocolError('A frame is not for peers.', { type: frame.type });
      else if (frame.meta.length + frame.payload.length > 0) throw protocolError('A keepalive carries bytes.', {});
    } catch (error) {
      this.#connection.fail(error);
    }
    return null;
  }

  #logDropped(): void {
    const { logger, linkBufferBytesMax, frameBytesMax } = this.#options;
    if (this.#dropped > 0) {
      const details = { peer: this.peer, messages: this.#dropped, linkBufferBytesMax };
      logger.warn(details, 'dropped messages: the peer takes them too slowly');
    }
    if (this.#tooLarge > 0) {
      logger.error({ peer: this.peer, messages: this.#tooLarge, frameBytesMax }, 'dropped messages: too large');
    }
    this.#dropped = this.#tooLarge = 0;
  }
}

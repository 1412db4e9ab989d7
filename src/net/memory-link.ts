/**
 * One direction of a connection inside one process: encodes what one node sends and decodes it where it arrives, so
 * that nothing but bytes passes between the two. Broken links carry nothing, not even what was on its way.
 */

import type { NodeId } from '../ids.js';
import { MessageCodec } from './codec.js';
import { FRAME_HEADER_BYTES, FrameReader, writeFrameHeader, type FrameSink, type FrameType } from './frame.js';
import type { TransportLimits } from './transport-limits.js';
import type { NodeMessage } from './transport.js';

/** Runs a task later, never within the call, and tasks in the order in which they were given. */
export type Defer = (task: () => void) => void;

export class MemoryLink implements FrameSink {
  readonly #from: NodeId;
  readonly #limits: TransportLimits;
  readonly #defer: Defer;
  readonly #deliver: (message: NodeMessage) => void;
  readonly #codec: MessageCodec;
  readonly #reader: FrameReader;
  #gathered: Buffer[] = [];
  /** Gathered or on their way. */
  #waitingBytes = 0;
  #isBroken = false;

  constructor(from: NodeId, limits: TransportLimits, defer: Defer, deliver: (message: NodeMessage) => void) {
    this.#from = from;
    this.#limits = limits;
    this.#defer = defer;
    this.#deliver = deliver;
    this.#codec = new MessageCodec(limits.frameBytesMax);
    this.#reader = new FrameReader(limits.frameBytesMax);
  }

  send(message: NodeMessage): void {
    if (this.#waitingBytes <= this.#limits.linkBufferBytesMax) this.#codec.encode(message, this);
  }

  flush(): void {
    if (this.#gathered.length === 0) return;
    const frames = this.#gathered;
    this.#gathered = [];
    this.#defer(() => this.#receive(frames));
  }

  break(): void {
    this.#isBroken = true;
  }

  writeFrame(type: FrameType, code: number, group: number, meta: Uint8Array, payload: Uint8Array): void {
    const frame = Buffer.allocUnsafeSlow(FRAME_HEADER_BYTES + meta.length + payload.length);
    const metaStart = writeFrameHeader(frame, 0, type, code, group, meta.length, payload.length);
    frame.set(meta, metaStart);
    frame.set(payload, metaStart + meta.length);
    this.#gathered.push(frame);
    this.#waitingBytes += frame.length;
  }

  #receive(frames: readonly Buffer[]): void {
    for (const bytes of frames) {
      this.#waitingBytes -= bytes.length;
      this.#reader.push(bytes);
      for (let frame = this.#reader.next(); frame !== null; frame = this.#reader.next()) {
        // Asked for each, since a message may lead its receiver to stop.
        if (!this.#isBroken) this.#deliver(this.#codec.decode(frame, this.#from));
      }
    }
  }
}

/**
 * The other end of a connection, driven byte by byte: what a broken, foreign or hostile node would do.
 */

import { connect, createServer, type Server, type Socket } from 'node:net';
import type { Incarnation, NodeId } from '../../../../src/ids.js';
import { parseAddress } from '../../../../src/net/address.js';
import { FrameReader, NO_BYTES, writeFrameHeader, type Frame, type FrameType } from '../../../../src/net/frame.js';
import { writeHello, type Hello } from '../../../../src/net/hello.js';
import type { Settings } from '../../../../src/net/settings.js';
import { until } from './loopback.js';
import { CODE } from './code.js';

/** The bytes of one frame. */
export function frameBytes(
  type: number,
  code: number,
  group: number,
  meta: Uint8Array,
  payload: Uint8Array = NO_BYTES,
): Buffer {
  const bytes = Buffer.alloc(12 + meta.length + payload.length);
  const metaStart = writeFrameHeader(bytes, 0, type as FrameType, code, group, meta.length, payload.length);
  bytes.set(meta, metaStart);
  bytes.set(payload, metaStart + meta.length);
  return bytes;
}

export function helloBytes(hello: Hello): Buffer {
  let bytes: Buffer = Buffer.alloc(0);
  writeHello(hello, { writeFrame: (...frame) => void (bytes = frameBytes(...frame)) });
  return bytes;
}

export class RawPeer {
  readonly socket: Socket;
  readonly frames: Frame[] = [];
  isClosed = false;
  readonly #reader = new FrameReader(1 << 24);

  constructor(socket: Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on('error', () => {});
    socket.on('close', () => {
      this.isClosed = true;
    });
    socket.on('data', (chunk: Buffer) => {
      this.#reader.push(chunk);
      for (let frame = this.#reader.next(); frame !== null; frame = this.#reader.next()) this.frames.push({ ...frame });
    });
  }

  static connect(address: NodeId): RawPeer {
    return new RawPeer(connect(parseAddress(address, 'address')));
  }

  /** Connects and says hello, and waits until it is accepted. */
  static async greet(
    address: NodeId,
    cluster: string,
    from: NodeId,
    incarnation: Incarnation,
    settings: Settings = {},
    code = CODE,
  ): Promise<RawPeer> {
    const peer = RawPeer.connect(address);
    peer.socket.write(helloBytes({ cluster, from, incarnation, to: address, settings, code }));
    await until(() => peer.frames.length > 0);
    return peer;
  }

  closed(): Promise<unknown> {
    return until(() => this.isClosed);
  }
}

/** Listens in place of a node, and does nothing with those who connect. */
export class RawListener {
  readonly peers: RawPeer[] = [];
  readonly #server: Server;

  constructor() {
    this.#server = createServer((socket) => this.peers.push(new RawPeer(socket)));
  }

  listen(address: NodeId): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ ...parseAddress(address, 'address'), exclusive: true }, resolve);
    });
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      for (const peer of this.peers) peer.socket.destroy();
    });
  }
}

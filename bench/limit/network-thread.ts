/**
 * The network thread of one process of the limit. In the process that calls, it makes one log entry of each block and
 * sends it to every process; in the others, it passes on what comes. It orders nothing, decides nothing and keeps
 * nothing: what is left of a consensus thread when consensus is taken away.
 */

import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { parentPort, workerData, type MessagePort } from 'node:worker_threads';
import {
  encodeEntryInto,
  entryBytes,
  ENTRY_HEADER_BYTES,
  EntryKind,
  type Content,
} from '../../src/actors/raft/entry.js';
import { logIndex, term } from '../../src/ids.js';

export type NetworkMessage =
  /** Listen, answer with the port, and pass on what comes. */
  | { readonly type: 'listen' }
  /** Connect to these loopback ports, answer when connected, and open the session with this entry. */
  | { readonly type: 'connect'; readonly ports: readonly number[]; readonly session: Content }
  /** Send this block of commands, whose CRC-32 is given, to every process, this one included. Transferred. */
  | { readonly type: 'block'; readonly block: ArrayBuffer; readonly crc: number };

export type NetworkAnswer = { readonly type: 'listening'; readonly port: number } | { readonly type: 'connected' };

/** The port to the object thread: entries go there, the index of the last one applied comes back. */
const { object } = workerData as { readonly object: MessagePort };

/**
 * Blocks that a process may be behind, as many as a caller has on their way. It keeps the rate honest: what one process
 * has not applied yet when the clock stops is little beside what was counted.
 */
const BLOCKS_BEHIND_MAX = 3;
const INDEX_BYTES = 8;

/** One of the other processes, as the calling one sees it. */
class Peer {
  readonly #socket: Socket;
  #sentEntries = 0;
  /** As the other process says it: the index of the last entry, hence their number. */
  #appliedEntries = 0;
  readonly #acknowledgement = new DataView(new ArrayBuffer(INDEX_BYTES));
  #acknowledgedBytes = 0;

  constructor(socket: Socket, onProgress: () => void) {
    this.#socket = socket;
    socket.on('data', (bytes) => {
      for (const byte of bytes) this.#onByte(byte);
      onProgress();
    });
  }

  get isBehind(): boolean {
    return this.#sentEntries - this.#appliedEntries >= BLOCKS_BEHIND_MAX;
  }

  send(entry: Uint8Array): void {
    this.#socket.write(entry);
    this.#sentEntries++;
  }

  #onByte(byte: number): void {
    this.#acknowledgement.setUint8(this.#acknowledgedBytes++, byte);
    if (this.#acknowledgedBytes < INDEX_BYTES) return;
    this.#acknowledgedBytes = 0;
    this.#appliedEntries = this.#acknowledgement.getFloat64(0, true);
  }
}

let peers: readonly Peer[] = [];
let waiting: Uint8Array[] = [];
let nextIndex = 1;

parentPort!.on('message', (message: NetworkMessage) => {
  switch (message.type) {
    case 'listen':
      return listen();
    case 'connect':
      return void connectAll(message.ports, message.session);
    case 'block':
      broadcast(entryOf({ kind: EntryKind.block, payload: new Uint8Array(message.block), crc: message.crc }));
  }
});

function listen(): void {
  const server = createServer({ noDelay: true }, (socket) => {
    server.close();
    passOn(socket);
  });
  server.listen(0, '127.0.0.1', () => {
    parentPort!.postMessage({
      type: 'listening',
      port: (server.address() as AddressInfo).port,
    } satisfies NetworkAnswer);
  });
}

/** Hands whole entries to the object thread as they come, and says what that has applied. */
function passOn(socket: Socket): void {
  let chunks: Uint8Array[] = [];
  let receivedBytes = 0;
  /** Where the first entry that has not arrived whole ends, as far as is known. */
  let wantedBytes = ENTRY_HEADER_BYTES;
  socket.on('data', (bytes) => {
    chunks.push(bytes);
    receivedBytes += bytes.length;
    if (receivedBytes < wantedBytes) return;
    const received = chunks.length === 1 ? bytes : Buffer.concat(chunks, receivedBytes);
    const { wholeBytes, nextBytes } = measureEntries(received);
    if (wholeBytes > 0) deliver(received.subarray(0, wholeBytes));
    const rest = received.subarray(wholeBytes);
    chunks = rest.length === 0 ? [] : [rest];
    receivedBytes = rest.length;
    wantedBytes = nextBytes;
  });
  object.on('message', (appliedIndex: number) => {
    const acknowledgement = new Uint8Array(INDEX_BYTES);
    new DataView(acknowledgement.buffer).setFloat64(0, appliedIndex, true);
    if (socket.writable) socket.write(acknowledgement);
  });
  socket.on('error', () => undefined);
}

/** The size of the whole entries at the start, and of the one after them as far as its header is there. */
function measureEntries(bytes: Uint8Array): { wholeBytes: number; nextBytes: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let wholeBytes = 0;
  while (wholeBytes + ENTRY_HEADER_BYTES <= bytes.length) {
    const nextBytes = entryBytes(view.getUint32(wholeBytes, true));
    if (wholeBytes + nextBytes > bytes.length) return { wholeBytes, nextBytes };
    wholeBytes += nextBytes;
  }
  return { wholeBytes, nextBytes: ENTRY_HEADER_BYTES };
}

async function connectAll(ports: readonly number[], session: Content): Promise<void> {
  const sockets = ports.map((port) => connect({ port, host: '127.0.0.1', noDelay: true }));
  await Promise.all(sockets.map((socket) => once(socket, 'connect')));
  peers = sockets.map((socket) => new Peer(socket, sendWaiting));
  broadcast(entryOf(session));
  parentPort!.postMessage({ type: 'connected' } satisfies NetworkAnswer);
}

function entryOf(content: Content): Uint8Array<ArrayBuffer> {
  const entry = new Uint8Array(entryBytes(content.payload.length));
  const view = new DataView(entry.buffer);
  encodeEntryInto(entry, view, 0, content, term(1), logIndex(nextIndex++), Date.now());
  return entry;
}

function broadcast(entry: Uint8Array): void {
  waiting.push(entry);
  sendWaiting();
}

function sendWaiting(): void {
  let sent = 0;
  while (sent < waiting.length && !peers.some((peer) => peer.isBehind)) {
    const entry = waiting[sent++]!;
    for (const peer of peers) peer.send(entry);
    deliver(entry);
  }
  if (sent > 0) waiting = waiting.slice(sent);
}

/** Sockets hold on to what they were given, so the object thread gets a copy. */
function deliver(entries: Uint8Array): void {
  const { buffer } = new Uint8Array(entries);
  object.postMessage(buffer, [buffer]);
}

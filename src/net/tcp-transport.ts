/**
 * The transport for production: one TCP connection per pair of nodes, used both ways, kept up by the node with the
 * smaller id (an observer always dials; the other node does, less often, where it does not hear from the first). Owns
 * the listener, the dialers and the links, and decides which link is the peer's. Runs on the consensus thread's event
 * loop; it writes and delivers within the turn in which it is called.
 */

import { assert } from '../assert.js';
import { ConclaveError } from '../errors.js';
import { isObserverId, type NodeId } from '../ids.js';
import { silentLogger, type Logger } from '../runtime/logger.js';
import type { Random } from '../runtime/random.js';
import { AdminDoor } from './admin/admin-door.js';
import type { AdminHandler } from './admin/admin-session.js';
import { isAddress, parseAddress, type Address } from './address.js';
import { Backoff, type BackoffOptions } from './backoff.js';
import { MessageCodec } from './codec.js';
import { HELLO_FRAME_BYTES_MAX } from './frame.js';
import {
  checkClusterName,
  oursToDial,
  isDialer,
  replacedBy,
  type Hello,
  type Identity,
  type Refusal,
} from './hello.js';
import type { SharedHandshakeOptions } from './handshake.js';
import { PeerLink, SWEEPS_PER_KEEPALIVE } from './peer-link.js';
import { checkSettings } from './settings.js';
import { TakeoverLog } from './takeover-log.js';
import type { TcpConnection } from './tcp-connection.js';
import { TcpDialer } from './tcp-dialer.js';
import { TcpListener } from './tcp-listener.js';
import { DEFAULT_TRANSPORT_LIMITS, type TransportLimits } from './transport-limits.js';
import type { NodeMessage, Transport, TransportHandler, TransportOptions } from './transport.js';

/** `self` is an address, or an observer's id (`observerId`), which listens nowhere. */
export interface TcpTransportOptions extends TransportOptions {
  readonly random: Random;
  /** Where to listen when that is not `self`, as `host:port`. */
  readonly bind?: string;
  /** Carries out what administrators ask for. Omitted: none are taken. */
  readonly administration?: AdminHandler;
  /** Are observers taken? Default: true. */
  readonly allowObservers?: boolean;
  /** Default: {@link DEFAULT_TRANSPORT_LIMITS}. */
  readonly limits?: TransportLimits;
  readonly logger?: Logger;
  /** The delays between attempts to connect; see {@link Backoff}. Default: 50 and 1000. */
  readonly reconnect?: BackoffOptions;
  /**
   * A link that is idle for this long sends a frame; one that has been silent for three times as long is closed.
   * Default: 1000.
   */
  readonly keepaliveMs?: number;
  /** From the first packet, or the look-up of a name, to an accepted hello. Default: 5000. */
  readonly handshakeTimeoutMs?: number;
}

const DEFAULT_RECONNECT: BackoffOptions = { minMs: 50, maxMs: 1_000 };
/** Where it is for the other side to dial, this side does so after this many of the longest delays. */
const FALLBACK_FACTOR = 2;
const DEFAULT_KEEPALIVE_MS = 1_000;
const DEFAULT_HANDSHAKE_TIMEOUT_MS = 5_000;

/** Observers, and nodes that are no peers, come and go unannounced, so it is here that their number is bounded. */
const GUESTS_MAX = 64;

export class TcpTransport implements Transport {
  readonly #limits: TransportLimits;
  readonly #logger: Logger;
  readonly #codec: MessageCodec;
  readonly #sweepMs: number;
  /**
   * A link that has been swept so often has proved itself. It has then stood for longer than the longest delay between
   * attempts to connect, so that two processes of one name, each taking the other's place, come to wait that long.
   */
  readonly #settledSweeps: number;
  readonly #listener: TcpListener | null;
  readonly #door: AdminDoor | null;
  readonly #dialers = new Map<NodeId, TcpDialer>();
  /** The living link of each peer that has one. */
  readonly #links = new Map<NodeId, PeerLink>();
  readonly #takeovers: TakeoverLog;
  #peers: ReadonlySet<NodeId> = new Set();
  readonly #options: TcpTransportOptions;
  readonly #handshake: SharedHandshakeOptions & { readonly logger: Logger };
  /** Null before `start`, and again after `stop`: nothing is delivered then. */
  #handler: TransportHandler | null = null;
  #listening: Promise<void> | null = null;
  #sweeper: NodeJS.Timeout | undefined;
  #isStopped = false;

  /** @throws ConclaveError `ERR_INVALID_OPTION` for an address, a cluster's name or settings that cannot be such. */
  constructor(options: TcpTransportOptions) {
    const { self, peers } = options;
    this.#options = options;
    checkClusterName(options.cluster);
    checkSettings(options.settings);
    this.#limits = options.limits ?? DEFAULT_TRANSPORT_LIMITS;
    const { frameBytesMax } = this.#limits;
    assert(
      frameBytesMax >= HELLO_FRAME_BYTES_MAX && frameBytesMax < 2 ** 32,
      'a frame has room for a hello, and 32 bits',
    );
    this.#logger = options.logger ?? silentLogger;
    this.#takeovers = new TakeoverLog(this.#logger);
    this.#codec = new MessageCodec(frameBytesMax);
    this.#sweepMs = Math.ceil((options.keepaliveMs ?? DEFAULT_KEEPALIVE_MS) / SWEEPS_PER_KEEPALIVE);
    const reconnect = options.reconnect ?? DEFAULT_RECONNECT;
    this.#settledSweeps = 1 + Math.ceil((2 * reconnect.maxMs) / this.#sweepMs);
    const identity: Identity = {
      cluster: options.cluster,
      self,
      incarnation: options.incarnation,
      allowObservers: options.allowObservers ?? true,
      settings: options.settings,
      code: options.code,
    };
    this.#handshake = {
      identity,
      logger: this.#logger,
      timeoutMs: options.handshakeTimeoutMs ?? DEFAULT_HANDSHAKE_TIMEOUT_MS,
      admit: () => null,
      onAccepted: (connection: TcpConnection, hello: Hello) => this.#onAccepted(connection, hello),
    };
    const { administration } = options;
    this.#door = administration === undefined ? null : new AdminDoor(identity, administration, this.#logger);
    this.#listener = isObserverId(self)
      ? null
      : new TcpListener({
          ...this.#handshake,
          admit: (hello) => this.#admit(hello),
          address: listenAddress(options),
          door: this.#door,
        });
    for (const peer of peers) parseAddress(peer, 'peers');
    this.setPeers(peers);
  }

  setPeers(peers: readonly NodeId[]): void {
    this.#peers = new Set(peers);
    for (const [peer, dialer] of this.#dialers) {
      if (this.#peers.has(peer)) continue;
      this.#dialers.delete(peer);
      // What it has made a connection of goes on.
      if (this.#links.has(peer)) dialer.leaveOff();
      else dialer.stop();
    }
    const { self } = this.#options;
    for (const peer of peers) {
      if (peer === self || this.#dialers.has(peer)) continue;
      // They may come from another node.
      if (!isAddress(peer)) {
        this.#logger.warn({ peer }, 'a member is said to have a name that is no address');
        continue;
      }
      const dialer = this.#dialerTo(peer);
      this.#dialers.set(peer, dialer);
      if (this.#sweeper !== undefined && !this.#isStopped) dialer.dial();
    }
  }

  #dialerTo(peer: NodeId): TcpDialer {
    const { self, random, reconnect = DEFAULT_RECONNECT, isNew = false } = this.#options;
    // Where one of the two is new, the other one may not know of it yet, and so not dial it.
    const isUrgent = isNew || this.#sweeper !== undefined || isDialer(self, peer);
    const delays = isUrgent
      ? reconnect
      : { minMs: FALLBACK_FACTOR * reconnect.maxMs, maxMs: FALLBACK_FACTOR * reconnect.maxMs };
    return new TcpDialer({
      ...this.#handshake,
      peer,
      address: parseAddress(peer, 'peers'),
      backoff: new Backoff(delays, random),
      isConnected: () => this.#links.has(peer),
    });
  }

  /** It is for one side to dial; the other one does if that has not happened for a while. */
  #begin(peer: NodeId, dialer: TcpDialer): void {
    const { self, isNew = false } = this.#options;
    if (isNew || isDialer(self, peer)) dialer.dial();
    else dialer.redial();
  }

  async start(handler: TransportHandler): Promise<void> {
    assert(this.#handler === null && !this.#isStopped, 'a transport is started once');
    this.#handler = handler;
    this.#listening = this.#listener?.listen() ?? Promise.resolve();
    await this.#listening;
    if (this.#isStopped) throw new ConclaveError('ERR_STOPPED', 'The transport was stopped while it started.');
    this.#sweeper = setInterval(() => this.#sweep(), this.#sweepMs);
    for (const [peer, dialer] of this.#dialers) this.#begin(peer, dialer);
  }

  send(to: NodeId, message: NodeMessage): void {
    this.#links.get(to)?.send(message);
  }

  flush(): void {
    for (const link of this.#links.values()) link.flush();
  }

  isConnected(peer: NodeId): boolean {
    return this.#links.has(peer);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#handler = null;
    clearInterval(this.#sweeper);
    for (const dialer of this.#dialers.values()) dialer.stop();
    for (const link of this.#links.values()) link.close('stopped');
    // A server that is still looking up its own name cannot be closed, and would listen after all.
    await this.#listening?.catch(() => {});
    await this.#door?.finish();
    await this.#listener?.close();
  }

  #admit(hello: Hello): Refusal | null {
    const { from } = hello;
    const { self } = this.#options;
    // Both dialling at once would take turns in replacing each other's connection.
    if (this.#peers.has(from) && isDialer(self, from)) return oursToDial(self, hello);
    if (this.#links.has(from)) return null;
    const guests = [...this.#links.keys()].filter((id) => !this.#peers.has(id)).length;
    if (this.#peers.has(from) || guests < GUESTS_MAX) return null;
    return { reason: 'tooManyObservers', message: `${GUESTS_MAX} observers are connected already.` };
  }

  #onAccepted(connection: TcpConnection, hello: Hello): void {
    const older = this.#links.get(hello.from);
    if (older !== undefined) this.#replace(older, hello);
    // Whoever was told of the end of the older link may have stopped this transport.
    if (this.#isStopped) {
      connection.close('stopped');
      return;
    }
    const link = new PeerLink(connection, {
      hello,
      codec: this.#codec,
      frameBytesMax: this.#limits.frameBytesMax,
      linkBufferBytesMax: this.#limits.linkBufferBytesMax,
      logger: this.#logger,
      onMessage: (message) => this.#handler?.onMessage(message),
      onClosed: (closed, reason) => this.#onClosed(closed, reason),
    });
    this.#links.set(link.peer, link);
    this.#logger.info({ peer: link.peer, incarnation: link.incarnation }, 'connected');
    this.#handler?.onConnected(link.peer, link.incarnation, link.codeVersionMax);
  }

  /**
   * Ends a link whose peer has connected again. Either the peer has lost the connection, which need not have been
   * noticed here, or another process goes by its name: that is told to the one that was there first, if it still lives.
   */
  #replace(older: PeerLink, hello: Hello): void {
    if (older.incarnation === hello.incarnation) {
      older.close('replaced by a newer connection');
      return;
    }
    this.#takeovers.onTakenOver(hello.from, hello.incarnation, older.incarnation);
    older.refuse(replacedBy(hello));
  }

  #onClosed(link: PeerLink, reason: string): void {
    this.#links.delete(link.peer);
    if (this.#isStopped) return;
    this.#logger.warn({ peer: link.peer, reason }, 'disconnected');
    this.#dialers.get(link.peer)?.redial();
    this.#handler?.onDisconnected(link.peer, reason);
  }

  #sweep(): void {
    this.#listener?.sweep();
    for (const link of this.#links.values()) {
      link.sweep();
      if (link.sweeps >= this.#settledSweeps) this.#dialers.get(link.peer)?.settle();
    }
  }
}

function listenAddress({ self, bind }: TcpTransportOptions): Address {
  const own = parseAddress(self, 'self');
  return bind === undefined ? own : parseAddress(bind, 'bind');
}

/**
 * A network inside one process, for clusters in one process and for tests. Nodes behave as over TCP: hellos are judged,
 * messages go through frames and codec, arrive later and in order, and die with their connection. Runs on one event
 * loop; nothing is delivered within the call that caused it.
 */

import { assert } from '../assert.js';
import type { PeerMessage } from '../actors/raft/messages.js';
import { ConclaveError } from '../errors.js';
import type { NodeId } from '../ids.js';
import { silentLogger, type Logger } from '../runtime/logger.js';
import { checkClusterName, isDialer, judgeHello, type Hello, type Identity, type Refusal } from './hello.js';
import { MemoryLink, type Defer } from './memory-link.js';
import { PeerIncarnations } from './peer-incarnations.js';
import { checkSettings } from './settings.js';
import type { Transport, TransportHandler, TransportOptions } from './transport.js';
import { DEFAULT_TRANSPORT_LIMITS, type TransportLimits } from './transport-limits.js';

export interface MemoryNetworkOptions {
  /** Runs a task later, in order. Default: `setImmediate`. */
  readonly defer?: Defer;
  /** Default: {@link DEFAULT_TRANSPORT_LIMITS}. */
  readonly limits?: TransportLimits;
}

export interface MemoryTransportOptions extends TransportOptions {
  /** Are observers taken? Default: true. */
  readonly allowObservers?: boolean;
  readonly logger?: Logger;
}

export class MemoryNetwork {
  readonly defer: Defer;
  readonly limits: TransportLimits;
  /** The nodes that are started and not stopped. */
  readonly #nodes = new Map<NodeId, MemoryTransport>();
  readonly #partitioned = new Set<string>();
  /** How many messages from one node to another are yet to be dropped. */
  readonly #drops = new Map<string, number>();

  constructor(options: MemoryNetworkOptions = {}) {
    this.defer = options.defer ?? ((task) => void setImmediate(task));
    this.limits = options.limits ?? DEFAULT_TRANSPORT_LIMITS;
  }

  /**
   * A transport for one node of this network.
   *
   * @throws ConclaveError `ERR_INVALID_OPTION` for a cluster's name or settings that cannot be such.
   */
  transport(options: MemoryTransportOptions): Transport {
    return new MemoryTransport(this, options);
  }

  /** Cuts two nodes off from each other, until they are healed. */
  partition(a: NodeId, b: NodeId): void {
    this.#partitioned.add(pairOf(a, b));
    this.#breakConnection(a, b, 'partitioned');
  }

  heal(a: NodeId, b: NodeId): void {
    if (this.#partitioned.delete(pairOf(a, b))) this.#connect(a, b);
  }

  /** Breaks the connection of two nodes; what was on its way is lost, and a new connection follows. */
  disconnect(a: NodeId, b: NodeId): void {
    this.#breakConnection(a, b, 'disconnected');
    this.#connect(a, b);
  }

  /** Silently drops the next messages that `from` sends to `to`. */
  dropNext(from: NodeId, to: NodeId, messages = 1): void {
    this.#drops.set(routeOf(from, to), messages);
  }

  /** Called by a transport: should this message be dropped? */
  takeDrop(from: NodeId, to: NodeId): boolean {
    if (this.#drops.size === 0) return false;
    const route = routeOf(from, to);
    const left = this.#drops.get(route);
    if (left === undefined) return false;
    if (left === 1) this.#drops.delete(route);
    else this.#drops.set(route, left - 1);
    return true;
  }

  /** Called by a transport that starts. @throws ConclaveError `ERR_ADDRESS_UNAVAILABLE` */
  join(node: MemoryTransport): void {
    const { self } = node.identity;
    if (this.#nodes.has(self)) {
      throw new ConclaveError('ERR_ADDRESS_UNAVAILABLE', `Cannot listen on ${self}: another node does.`, {
        data: { address: self },
      });
    }
    this.#nodes.set(self, node);
    for (const other of this.#nodes.keys()) if (other !== self) this.#connect(self, other);
  }

  /** Called by a transport that stops. */
  leave(node: MemoryTransport): void {
    const { self } = node.identity;
    if (this.#nodes.get(self) !== node) return;
    for (const other of this.#nodes.keys()) this.#breakConnection(self, other, 'closed by the other side');
    this.#nodes.delete(self);
  }

  #breakConnection(a: NodeId, b: NodeId, reason: string): void {
    this.#nodes.get(a)?.lose(b, reason);
    this.#nodes.get(b)?.lose(a, reason);
  }

  /** Connects two nodes a little later, if they still want and may then. */
  #connect(a: NodeId, b: NodeId): void {
    this.defer(() => {
      const [dialler, acceptor] = [this.#nodes.get(isDialer(a, b) ? a : b), this.#nodes.get(isDialer(a, b) ? b : a)];
      if (dialler === undefined || acceptor === undefined || this.#partitioned.has(pairOf(a, b))) return;
      const dialled = acceptor.identity.self;
      if (!dialler.identity.peers.has(dialled) || dialler.isConnected(dialled)) return;
      if (!acceptor.takes(dialler, null) || !dialler.takes(acceptor, dialled)) return;
      acceptor.gain(dialler);
      dialler.gain(acceptor);
    });
  }
}

/** One node of a {@link MemoryNetwork}. */
class MemoryTransport implements Transport {
  readonly identity: Identity;
  readonly #logger: Logger;
  readonly #incarnations: PeerIncarnations;
  readonly #network: MemoryNetwork;
  /** To each peer that this node is connected to. */
  readonly #links = new Map<NodeId, MemoryLink>();
  /** Null before `start`, and again after `stop`: nothing is delivered then. */
  #handler: TransportHandler | null = null;
  #isStopped = false;

  constructor(network: MemoryNetwork, options: MemoryTransportOptions) {
    const { cluster, self, incarnation, peers, settings, allowObservers = true, logger = silentLogger } = options;
    checkClusterName(cluster);
    checkSettings(settings);
    this.#network = network;
    this.#logger = logger;
    this.#incarnations = new PeerIncarnations(logger);
    this.identity = { cluster, self, incarnation, peers: new Set(peers), allowObservers, settings };
  }

  async start(handler: TransportHandler): Promise<void> {
    assert(this.#handler === null && !this.#isStopped, 'a transport is started once');
    this.#network.join(this);
    this.#handler = handler;
  }

  send(to: NodeId, message: PeerMessage): void {
    const link = this.#links.get(to);
    if (link !== undefined && !this.#network.takeDrop(this.identity.self, to)) link.send(message);
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
    this.#network.leave(this);
    this.#links.clear();
  }

  /** Does this node accept the hello of `other`? If not, both sides say so. `dialled` as for `judgeHello`. */
  takes(other: MemoryTransport, dialled: NodeId | null): boolean {
    const hello = other.#helloTo(this);
    const refusal = judgeHello(hello, this.identity, dialled) ?? this.#incarnations.judge(hello);
    if (refusal === null) return true;
    this.#logger.warn({ peer: hello.from, refusal }, 'refused a peer');
    other.#onRefused(hello.to, refusal);
    return false;
  }

  #helloTo(other: MemoryTransport): Hello {
    const { cluster, self, incarnation, settings } = this.identity;
    return { cluster, from: self, incarnation, to: other.identity.self, settings };
  }

  #onRefused(peer: NodeId, refusal: Refusal): void {
    this.#incarnations.onRefused(peer, refusal);
    this.#logger.warn({ peer, refusal }, 'refused by a peer');
  }

  /** A connection to `other` stands. */
  gain(other: MemoryTransport): void {
    const { defer, limits } = this.#network;
    const { self, incarnation } = other.identity;
    this.#incarnations.accept(other.#helloTo(this));
    const deliver = (message: PeerMessage): void => other.#handler?.onMessage(message);
    this.#links.set(self, new MemoryLink(this.identity.self, self, limits, defer, deliver));
    this.#handler?.onConnected(self, incarnation);
  }

  /** The connection to `peer` is no more: at once for the bytes, a little later for the node. */
  lose(peer: NodeId, reason: string): void {
    const link = this.#links.get(peer);
    if (link === undefined) return;
    link.break();
    this.#network.defer(() => {
      if (this.#links.get(peer) !== link) return;
      this.#links.delete(peer);
      this.#handler?.onDisconnected(peer, reason);
    });
  }
}

function routeOf(from: NodeId, to: NodeId): string {
  return `${from} ${to}`;
}

function pairOf(a: NodeId, b: NodeId): string {
  return a < b ? routeOf(a, b) : routeOf(b, a);
}

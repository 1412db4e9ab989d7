/**
 * A network inside one process, for clusters in one process and for tests. Nodes behave as over TCP: hellos are judged,
 * messages go through frames and codec, arrive later and in order, and die with their connection. Runs on one event
 * loop; nothing is delivered within the call that caused it.
 */

import { assert } from '../assert.js';
import { ConclaveError } from '../errors.js';
import type { NodeId } from '../ids.js';
import { silentLogger, type Logger } from '../runtime/logger.js';
import { codeVersionMaxOf } from './code-history.js';
import { checkClusterName, isDialer, judgeHello, type Identity } from './hello.js';
import { MemoryConnection, type MemoryNode } from './memory-connection.js';
import type { Defer } from './memory-link.js';
import { checkSettings } from './settings.js';
import { TakeoverLog } from './takeover-log.js';
import type { NodeMessage, Transport, TransportHandler, TransportOptions } from './transport.js';
import { DEFAULT_TRANSPORT_LIMITS, type TransportLimits } from './transport-limits.js';

export interface MemoryNetworkOptions {
  /** Runs a task later, in order. Default: `setImmediate`. */
  readonly defer?: Defer;
  /** Default: {@link DEFAULT_TRANSPORT_LIMITS}. */
  readonly limits?: TransportLimits;
}

export interface MemoryTransportOptions extends TransportOptions {
  /** Where to listen when that is not `self`. */
  readonly bind?: NodeId;
  /** Are observers taken? Default: true. */
  readonly allowObservers?: boolean;
  readonly logger?: Logger;
}

type Connection = MemoryConnection<MemoryTransport>;

export class MemoryNetwork {
  readonly defer: Defer;
  readonly limits: TransportLimits;
  /** The nodes that are started and not stopped, by where they listen. */
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
    this.#breakNamed(a, b, 'partitioned');
  }

  heal(a: NodeId, b: NodeId): void {
    if (this.#partitioned.delete(pairOf(a, b))) this.#connectNamed(a, b);
  }

  /** Breaks the connection of two nodes; what was on its way is lost, and a new connection follows. */
  disconnect(a: NodeId, b: NodeId): void {
    this.#breakNamed(a, b, 'disconnected');
    this.#connectNamed(a, b);
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
    const { address } = node;
    if (this.#nodes.has(address)) {
      throw new ConclaveError('ERR_ADDRESS_UNAVAILABLE', `Cannot listen on ${address}: another node does.`, {
        data: { address },
      });
    }
    this.#nodes.set(address, node);
    for (const other of this.#nodes.values()) if (other !== node) this.defer(() => this.#connect(node, other, node));
  }

  /** Called by a transport that wants to be connected to others than before. */
  meet(node: MemoryTransport): void {
    if (!this.#isHere(node)) return;
    for (const other of this.#nodes.values()) if (other !== node) this.defer(() => this.#connect(node, other, null));
  }

  /** Called by a transport that stops. */
  leave(node: MemoryTransport): void {
    if (this.#nodes.get(node.address) !== node) return;
    this.#nodes.delete(node.address);
    for (const connection of node.connections()) this.#break(connection, node, 'closed by the other side');
    // Whoever goes by the same name and was not let in meanwhile may be now.
    for (const other of this.#nodes.values()) this.#connectNamed(node.identity.self, other.identity.self);
  }

  #breakNamed(a: NodeId, b: NodeId, reason: string): void {
    for (const node of this.#named(a)) {
      const connection = node.connectionTo(b);
      if (connection !== undefined) this.#break(connection, node, reason);
    }
  }

  /** Breaks a connection of `node`: at once for the bytes, a little later for those who are to hear of it. */
  #break(connection: Connection, node: MemoryTransport, reason: string): void {
    connection.break();
    for (const end of [node, connection.otherThan(node)]) this.defer(() => end.lose(connection, reason));
  }

  /** Connects all nodes of two names a little later, if they still want and may then. */
  #connectNamed(a: NodeId, b: NodeId): void {
    this.defer(() => {
      for (const x of this.#named(a)) for (const y of this.#named(b)) this.#connect(x, y, null);
    });
  }

  /** @param newcomer may take the place of a node that goes by its name; nobody else does, or they would take turns. */
  #connect(x: MemoryTransport, y: MemoryTransport, newcomer: MemoryTransport | null): void {
    const [dialler, acceptor] = isDialer(x.identity.self, y.identity.self) ? [x, y] : [y, x];
    const name = dialler.identity.self;
    const dialled = acceptor.address;
    if (!this.#isHere(x) || !this.#isHere(y) || this.#partitioned.has(pairOf(name, acceptor.identity.self))) return;
    if (!dialler.wants(dialled) && !acceptor.wants(name)) return;
    if (dialler.connectionTo(dialled) !== undefined) return;
    const older = acceptor.connectionTo(name);
    if (older !== undefined && dialler !== newcomer) return;
    if (!acceptor.takes(dialler, dialled, null) || !dialler.takes(acceptor, name, dialled)) return;
    if (older !== undefined) this.#replace(older, acceptor, dialler);
    // Whoever was told of the end of the older connection may have left.
    if (!this.#isHere(x) || !this.#isHere(y)) return;
    const connection: Connection = new MemoryConnection(dialler, acceptor, this.limits, this.defer);
    for (const node of [acceptor, dialler]) node.gain(connection);
    for (const node of [acceptor, dialler]) node.announce(connection);
  }

  #replace(older: Connection, acceptor: MemoryTransport, dialler: MemoryTransport): void {
    const reason = 'replaced by a newer connection';
    this.#break(older, acceptor, reason);
    acceptor.onReplaced(older.otherThan(acceptor), dialler);
    acceptor.lose(older, reason);
  }

  #isHere(node: MemoryTransport): boolean {
    return this.#nodes.get(node.address) === node;
  }

  #named(name: NodeId): MemoryTransport[] {
    return [...this.#nodes.values()].filter((node) => node.identity.self === name);
  }
}

/** One node of a {@link MemoryNetwork}. */
class MemoryTransport implements Transport, MemoryNode {
  readonly identity: Identity;
  /** Where it listens. An observer listens nowhere, but this is where its network finds it. */
  readonly address: NodeId;
  readonly #logger: Logger;
  readonly #takeovers: TakeoverLog;
  readonly #network: MemoryNetwork;
  /** To each peer that this node is connected to, as far as it knows. */
  readonly #connections = new Map<NodeId, Connection>();
  #peers: ReadonlySet<NodeId>;
  /** Null before `start`, and again after `stop`: nothing is delivered then. */
  #handler: TransportHandler | null = null;
  #isStopped = false;

  constructor(network: MemoryNetwork, options: MemoryTransportOptions) {
    const { cluster, self, incarnation, peers, settings, code, allowObservers = true, logger = silentLogger } = options;
    checkClusterName(cluster);
    checkSettings(settings);
    this.#network = network;
    this.#logger = logger;
    this.#takeovers = new TakeoverLog(logger);
    this.identity = { cluster, self, incarnation, allowObservers, settings, code };
    this.#peers = new Set(peers);
    this.address = options.bind ?? self;
  }

  async start(handler: TransportHandler): Promise<void> {
    assert(this.#handler === null && !this.#isStopped, 'a transport is started once');
    this.#network.join(this);
    this.#handler = handler;
  }

  send(to: NodeId, message: NodeMessage): void {
    const connection = this.#connections.get(to);
    if (connection === undefined || this.#network.takeDrop(this.identity.self, to)) return;
    connection.linkFrom(this).send(message);
  }

  flush(): void {
    for (const connection of this.#connections.values()) connection.linkFrom(this).flush();
  }

  setPeers(peers: readonly NodeId[]): void {
    this.#peers = new Set(peers);
    this.#network.meet(this);
  }

  /** Does this node want to be connected to that one? */
  wants(peer: NodeId): boolean {
    return this.#peers.has(peer);
  }

  isConnected(peer: NodeId): boolean {
    return this.#connections.has(peer);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#handler = null;
    this.#network.leave(this);
    this.#connections.clear();
  }

  connectionTo(peer: NodeId): Connection | undefined {
    return this.#connections.get(peer);
  }

  connections(): Connection[] {
    return [...this.#connections.values()];
  }

  deliver(message: NodeMessage): void {
    this.#handler?.onMessage(message);
  }

  /**
   * Does this node accept the hello of `other`, who looked for `to`? If not, both sides say so. `dialled` as for
   * `judgeHello`.
   */
  takes(other: MemoryTransport, to: NodeId, dialled: NodeId | null): boolean {
    const { cluster, self, incarnation, settings, code } = other.identity;
    const refusal = judgeHello({ cluster, from: self, incarnation, to, settings, code }, this.identity, dialled);
    if (refusal === null) return true;
    this.#logger.warn({ peer: self, refusal }, 'refused a peer');
    other.#logger.warn({ peer: to, refusal }, 'refused by a peer');
    return false;
  }

  gain(connection: Connection): void {
    this.#connections.set(connection.otherThan(this).identity.self, connection);
  }

  /** Says that `connection` stands: even if it has been broken since it was gained, for that will be heard of later. */
  announce(connection: Connection): void {
    const { self, incarnation, code } = connection.otherThan(this).identity;
    this.#handler?.onConnected(self, incarnation, codeVersionMaxOf(code));
  }

  /** `newer` takes the place of `older`, which goes by the same name. */
  onReplaced({ identity: older }: MemoryTransport, { identity: newer }: MemoryTransport): void {
    if (newer.incarnation === older.incarnation) return;
    this.#takeovers.onTakenOver(newer.self, newer.incarnation, older.incarnation);
  }

  /** Hears that `connection` is no more, unless that is old news. */
  lose(connection: Connection, reason: string): void {
    const peer = connection.otherThan(this).identity.self;
    if (this.#connections.get(peer) !== connection) return;
    this.#connections.delete(peer);
    this.#handler?.onDisconnected(peer, reason);
  }
}

function routeOf(from: NodeId, to: NodeId): string {
  return `${from} ${to}`;
}

function pairOf(a: NodeId, b: NodeId): string {
  return a < b ? routeOf(a, b) : routeOf(b, a);
}

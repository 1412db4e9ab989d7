/** One node of a simulated network. Connects to its peers for as long as it lives, and is told of them in order. */

import { assert } from '../../assert.js';
import type { NodeId } from '../../ids.js';
import { codeVersionMaxOf } from '../../net/code-history.js';
import { checkClusterName, isDialer, judgeHello, type Identity } from '../../net/hello.js';
import type { MemoryTransportOptions } from '../../net/memory-transport.js';
import { checkSettings } from '../../net/settings.js';
import { TakeoverLog } from '../../net/takeover-log.js';
import type { NodeMessage, Transport, TransportHandler } from '../../net/transport.js';
import { silentLogger, type Logger } from '../../runtime/logger.js';
import { SimulatedConnection } from './simulated-connection.js';
import type { SimulatedNetwork } from './simulated-network.js';
import type { SimulatedProcess } from './simulated-process.js';

export class SimulatedTransport implements Transport {
  readonly identity: Identity;
  /** Where it listens. An observer listens nowhere, but this is where its network finds it. */
  readonly address: NodeId;
  readonly process: SimulatedProcess;
  readonly #network: SimulatedNetwork;
  readonly #logger: Logger;
  readonly #takeovers: TakeoverLog;
  /** To each peer that this node is connected to, as far as it knows. */
  readonly #connections = new Map<NodeId, SimulatedConnection>();
  /** Whom to be connected to. */
  #peers: ReadonlySet<NodeId>;
  /** Peers whose answer to a hello is waited for. */
  readonly #dialling = new Set<NodeId>();
  /** Null before `start`, and again after `stop`: nothing is delivered then. */
  #handler: TransportHandler | null = null;
  #isStopped = false;

  constructor(network: SimulatedNetwork, options: MemoryTransportOptions, process: SimulatedProcess) {
    const { cluster, self, incarnation, peers, settings, code, allowObservers = true, logger = silentLogger } = options;
    checkClusterName(cluster);
    checkSettings(settings);
    this.#network = network;
    this.#logger = logger;
    this.#takeovers = new TakeoverLog(logger);
    this.process = process;
    this.identity = { cluster, self, incarnation, allowObservers, settings, code };
    this.#peers = new Set(peers);
    this.address = options.bind ?? self;
  }

  async start(handler: TransportHandler): Promise<void> {
    assert(this.#handler === null && !this.#isStopped, 'a transport is started once');
    this.#network.join(this);
    this.#handler = handler;
    for (const peer of this.#peers) this.#dialSoon(peer, 0);
  }

  setPeers(peers: readonly NodeId[]): void {
    const before = this.#peers;
    this.#peers = new Set(peers);
    if (this.#handler === null) return;
    for (const peer of peers) if (!before.has(peer) && peer !== this.identity.self) this.#dialSoon(peer, 0);
  }

  send(to: NodeId, message: NodeMessage): void {
    this.#network.witness?.sent(this.identity.self, to, message);
    this.#connections.get(to)?.linkFrom(this.identity.self).send(message);
  }

  /** What was sent is on its way already. */
  flush(): void {}

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

  /** Takes a message that has arrived on this connection, if it still counts. */
  deliver(connection: SimulatedConnection, message: NodeMessage): void {
    if (this.#connections.get(message.from) === connection) this.#handler?.onMessage(message);
  }

  /** Somebody has dialled. Returns whether that one is let in. */
  accept(connection: SimulatedConnection): boolean {
    const { dialler } = connection;
    if (!this.#network.isHere(this) || !this.#takes(dialler, this.address, null)) return false;
    // Both dialling at once would take turns in replacing each other's connection.
    if (this.#peers.has(dialler.identity.self) && isDialer(this.identity.self, dialler.identity.self)) return false;
    const older = this.#connections.get(dialler.identity.self);
    if (older !== undefined) {
      const { self, incarnation } = dialler.identity;
      const former = older.dialler.identity.incarnation;
      if (incarnation !== former) this.#takeovers.onTakenOver(self, incarnation, former);
      this.lose(older, 'replaced by a newer connection');
      older.break('replaced by a newer connection');
    }
    return this.#gain(connection, dialler);
  }

  /** The other side has let this node in. */
  accepted(connection: SimulatedConnection): void {
    const { acceptor } = connection;
    this.#dialling.delete(acceptor.identity.self);
    const older = this.#connections.get(acceptor.identity.self);
    if (older !== undefined) {
      this.lose(older, 'replaced by a newer connection');
      older.break('replaced by a newer connection');
    }
    if (!this.#takes(acceptor, this.identity.self, acceptor.address) || !this.#gain(connection, acceptor)) {
      connection.break('refused');
    }
  }

  /** Hears that `connection` is no more, unless that is old news. */
  lose(connection: SimulatedConnection, reason: string): void {
    const peer = connection.otherThan(this).identity.self;
    if (this.#connections.get(peer) !== connection) return;
    this.#connections.delete(peer);
    this.#handler?.onDisconnected(peer, reason);
  }

  /** A connection to a peer is no more, or has not come about. */
  redial(peer: NodeId): void {
    this.#dialling.delete(peer);
    const { reconnectMs } = this.#network.weather;
    this.#dialSoon(peer, this.#network.dice.between(...reconnectMs));
  }

  #dialSoon(peer: NodeId, delayMs: number): void {
    this.process.after(delayMs, () => {
      if (this.#isStopped || !this.#peers.has(peer) || this.#connections.has(peer) || this.#dialling.has(peer)) return;
      const acceptor = this.#network.find(peer);
      const { self } = this.identity;
      const isCut = this.#network.isBlocked(self, peer) || this.#network.isBlocked(peer, self);
      // One that is new need not know of this node yet, and so may not dial it.
      const isOthers = !isDialer(self, peer) && acceptor?.wants(self) === true;
      if (acceptor === undefined || isCut || isOthers) return this.redial(peer);
      this.#dialling.add(peer);
      new SimulatedConnection(this.#network, this, acceptor).begin();
    });
  }

  #gain(connection: SimulatedConnection, other: SimulatedTransport): boolean {
    if (this.#handler === null || connection.isBroken) return false;
    const { self, incarnation, code } = other.identity;
    this.#connections.set(self, connection);
    this.#handler.onConnected(self, incarnation, codeVersionMaxOf(code));
    return true;
  }

  /** Does this node accept the hello of `other`, who looked for `to`? If not, both sides say so. */
  #takes(other: SimulatedTransport, to: NodeId, dialled: NodeId | null): boolean {
    const { cluster, self, incarnation, settings, code } = other.identity;
    const refusal = judgeHello({ cluster, from: self, incarnation, to, settings, code }, this.identity, dialled);
    if (refusal === null) return true;
    this.#logger.warn({ peer: self, refusal }, 'refused a peer');
    other.#logger.warn({ peer: to, refusal }, 'refused by a peer');
    return false;
  }
}

/**
 * A cluster of cores in one process, on a virtual clock: a network that can lose, double, delay, reorder and partition,
 * disks that take their time, nodes that crash, pause and come back. Every step and every message is looked at by the
 * checker. Nothing here decides what goes wrong: that is for the one who drives it.
 */

import { membersOf, type Configuration } from '../../../../../src/actors/raft/configuration.js';
import type { Effect, FetchSnapshot, SendSnapshot } from '../../../../../src/actors/raft/effects.js';
import type { PeerMessage, RaftMessage } from '../../../../../src/actors/raft/messages.js';
import type { CoreLimits } from '../../../../../src/actors/raft/state.js';
import type { NodeId } from '../../../../../src/ids.js';
import { Dice } from '../../../../../src/testing/simulation/dice.js';
import { EventQueue } from './event-queue.js';
import { HistoryChecker } from './history-checker.js';
import { RaftNode, type NodeWorld } from './raft-node.js';
import { FAIR_WEATHER, type Weather } from './weather.js';

export interface ClusterOptions {
  readonly seed: number;
  readonly configuration: Configuration;
  readonly observers: readonly NodeId[];
  /** Nodes that found nothing, and may be added later. */
  readonly joiners?: readonly NodeId[];
  readonly electionTimeoutMs: readonly [min: number, max: number];
  readonly limits: CoreLimits;
}

export const HEARTBEAT_MS = 30;
export const TICK_MS = 10;

/** What the cluster keeps for a node besides the node itself. */
interface Place {
  readonly node: RaftNode;
  /** The node's clock runs at this rate, from this offset. */
  readonly rate: number;
  readonly offsetMs: number;
  readonly wallSkewMs: number;
  pausedUntilMs: number;
  /** Until then the core takes nothing of what the network brings. */
  cloggedUntilMs: number;
  /** Whom the network has connected this life of the node to: what each of them remembers. */
  readonly memories: Map<NodeId, number>;
  /**
   * What the network has brought and the core has not taken yet, in order: news of connections, and what came by them.
   */
  readonly inbox: Received[];
  /** The snapshots that this life of the node is fetching. */
  readonly fetching: Set<string>;
  isFlushPlanned: boolean;
  isSyncPlanned: boolean;
  isApplyPlanned: boolean;
}

interface Received {
  readonly message: RaftMessage;
  /** By whom a peer's message was sent, and what that one remembered. */
  readonly from: NodeId | null;
  readonly memory: number;
}

interface WaitingRead {
  readonly place: Place;
  readonly session: number;
  /** Commands whose callers knew them done before the read began. */
  readonly floor: number;
  readonly expiresAtMs: number;
  index: number | null;
}

export class RaftCluster implements NodeWorld {
  readonly dice: Dice;
  readonly nodes = new Map<NodeId, RaftNode>();
  readonly checker: HistoryChecker;
  readonly weather: Weather = { ...FAIR_WEATHER };
  /** `from>to` of the ways on which nothing arrives. */
  readonly blocked = new Set<string>();
  /** How much longer than others messages to and from these nodes are on their way, whatever the weather. */
  readonly farMs = new Map<NodeId, number>();
  nowMs = 0;
  /** Commands whose own callers have seen them applied. */
  acknowledged = 0;
  readsDone = 0;
  readsFailed = 0;
  /** Changes of members that a leader has begun, and nodes that were told that they are members no more. */
  changesBegun = 0;
  removals = 0;
  /** Messages that a core took although their sender had lost its memory, and was connected again, by then. */
  takenAcrossLives = 0;
  readonly #observers: readonly NodeId[];
  readonly #places = new Map<NodeId, Place>();
  readonly #events = new EventQueue();
  readonly #reads = new Map<number, WaitingRead>();
  readonly #lastArrivals = new Map<string, number>();
  /** Pairs of nodes that are about to be connected. */
  readonly #connecting = new Set<string>();
  #sessions = 0;
  #readIds = 0;

  constructor({ seed, configuration, observers, joiners = [], electionTimeoutMs, limits }: ClusterOptions) {
    this.dice = new Dice(seed);
    this.#observers = observers;
    this.checker = new HistoryChecker(this.nodes);
    const settings = { configuration, limits, electionTimeoutMs, heartbeatMs: HEARTBEAT_MS, founded: null };
    for (const id of [...membersOf(configuration), ...joiners, ...observers]) {
      const node = new RaftNode(id, settings, this.dice, this);
      if (joiners.includes(id)) node.joinOnly();
      this.nodes.set(id, node);
      this.#places.set(id, {
        node,
        // Two clocks run at most 10 % apart, which is what the lease allows for.
        rate: this.dice.between(0.96, 1.04),
        offsetMs: this.dice.between(0, 1000),
        wallSkewMs: this.dice.between(-5000, 5000),
        pausedUntilMs: 0,
        cloggedUntilMs: 0,
        memories: new Map(),
        inbox: [],
        fetching: new Set(),
        isFlushPlanned: false,
        isSyncPlanned: false,
        isApplyPlanned: false,
      });
      this.restart(id);
    }
  }

  get running(): RaftNode[] {
    return [...this.nodes.values()].filter((node) => node.core !== null);
  }

  /** Reads that have neither been answered nor given up by a node that still lives. */
  get readsWaiting(): number {
    let count = 0;
    for (const { place, session } of this.#reads.values()) if (isAlive(place, session)) count++;
    return count;
  }

  plan(delayMs: number, run: () => void): void {
    this.#events.plan(this.nowMs + delayMs, run);
  }

  /** Lets this much time pass, or less where `until` comes true. Returns whether it did. */
  run(forMs: number, until: () => boolean = () => false): boolean {
    const endMs = this.nowMs + forMs;
    while (this.#events.nextAtMs <= endMs) {
      const { atMs, run } = this.#events.take()!;
      this.nowMs = atMs;
      run();
      if (until()) return true;
    }
    this.nowMs = endMs;
    return until();
  }

  /** Gives a node a message as the batch of its own shell would; does nothing if it is down. */
  tell(id: NodeId, message: RaftMessage): void {
    const place = this.#places.get(id)!;
    this.#whenAwake(place, null, () => {
      place.node.step(message);
      this.#afterStep(place);
    });
  }

  submit(id: NodeId): void {
    const place = this.#places.get(id)!;
    this.#whenAwake(place, place.node.session, () => {
      place.node.submit();
      this.#afterStep(place);
    });
  }

  /** A caller of `id` wants to know how many commands there have been. */
  read(id: NodeId, lease: boolean, timeoutMs: number): void {
    const place = this.#places.get(id)!;
    const { session } = place.node;
    this.#whenAwake(place, session, () => {
      const readId = ++this.#readIds;
      const expiresAtMs = this.nowMs + timeoutMs;
      this.#reads.set(readId, { place, session, floor: this.acknowledged, expiresAtMs, index: null });
      place.node.step({ type: 'read', readId, lease, timeoutMs });
      this.#afterStep(place);
    });
  }

  /** A node that is down stays so. */
  crash(id: NodeId): void {
    const place = this.#places.get(id)!;
    const { core, disk } = place.node;
    if (core === null) return;
    // Part of what waited may be on disk although nobody was told.
    for (let synced = this.dice.below(disk.pending.length + 1); synced > 0; synced--) disk.syncNext();
    place.node.crash();
    place.pausedUntilMs = 0;
    for (const [readId, read] of this.#reads) if (read.place === place) this.#reads.delete(readId);
    for (const { id: other } of this.running) this.#disconnect(other, id);
  }

  /** A node that is up goes on. */
  restart(id: NodeId): void {
    const place = this.#places.get(id)!;
    const { node } = place;
    if (node.core !== null) return;
    this.#setClock(place);
    const session = ++this.#sessions;
    node.start(session);
    place.memories.clear();
    place.inbox.length = 0;
    place.fetching.clear();
    place.isFlushPlanned = false;
    place.isSyncPlanned = false;
    place.isApplyPlanned = false;
    this.plan(this.dice.between(0, TICK_MS), () => this.#tick(place, session));
    for (const { id: other } of this.running) if (other !== id) this.connect(other, id);
  }

  pause(id: NodeId, forMs: number): void {
    const place = this.#places.get(id)!;
    // One that is paused is woken when it was to be: what has been put off until then comes in its order.
    if (place.pausedUntilMs > this.nowMs) return;
    place.pausedUntilMs = this.nowMs + forMs;
  }

  /** What the network brings to a node gathers, while all else there goes on. */
  clog(id: NodeId, forMs: number): void {
    this.#places.get(id)!.cloggedUntilMs = this.nowMs + forMs;
  }

  /** A node that is down loses its disk; `joinsOnly`: and will found nothing when it comes back. */
  wipe(id: NodeId, isNaive: boolean, joinsOnly: boolean): void {
    const { node } = this.#places.get(id)!;
    node.wipe(isNaive);
    if (joinsOnly) node.joinOnly();
  }

  /** A connection will stand, as both its ends are told, once the network lets them and both are up. */
  connect(a: NodeId, b: NodeId): void {
    // Observers connect to members only.
    if (this.#observers.includes(a) && this.#observers.includes(b)) return;
    const pair = [a, b].toSorted().join();
    if (this.#connecting.has(pair)) return;
    this.#connecting.add(pair);
    this.#planConnection(a, b, pair);
  }

  compact(id: NodeId): void {
    const place = this.#places.get(id)!;
    this.#whenAwake(place, null, () => place.node.compact(this.dice.chance(0.5)));
  }

  // What nodes ask of the world.

  send(node: RaftNode, to: NodeId, message: PeerMessage): void {
    this.checker.sent(node, to, message);
    this.#transmit(node.id, to, message);
  }

  stepped(node: RaftNode): void {
    this.checker.stepped(node);
  }

  applied(node: RaftNode, acknowledged: boolean): void {
    this.checker.applied(node);
    if (acknowledged) this.acknowledged++;
  }

  emitted(node: RaftNode, effect: Exclude<Effect, { type: 'send' | 'store' }>): void {
    switch (effect.type) {
      case 'commit':
        return this.#planApply(this.#places.get(node.id)!);
      case 'readReady':
        for (const readId of effect.readIds) this.#reads.get(readId)!.index = effect.index;
        return this.#answerReads(node);
      case 'readFailed':
        for (const readId of effect.readIds) {
          if (!this.#reads.delete(readId)) throw new Error(`${node.id} failed read ${readId} twice`);
          this.readsFailed++;
        }
        return;
      case 'changeAnswered':
        if (effect.refusal === null) this.changesBegun++;
        return;
      case 'removed':
        this.removals++;
        return;
      case 'sendSnapshot':
        return this.#sendSnapshot(node, effect);
      case 'fetchSnapshot':
        return this.#fetchSnapshot(node, effect);
      default:
    }
  }

  #planConnection(a: NodeId, b: NodeId, pair: string): void {
    this.plan(this.dice.between(6, 15), () => {
      if (this.blocked.has(`${a}>${b}`) || this.blocked.has(`${b}>${a}`)) return this.#planConnection(a, b, pair);
      this.#connecting.delete(pair);
      // One that is down is connected when it comes back.
      if (this.nodes.get(a)!.core === null || this.nodes.get(b)!.core === null) return;
      this.#tellConnected(a, b);
      this.#tellConnected(b, a);
    });
  }

  #tellConnected(at: NodeId, peer: NodeId): void {
    const place = this.#places.get(at)!;
    this.#whenAwake(place, null, () => {
      const { incarnation, memory } = this.nodes.get(peer)!;
      place.memories.set(peer, memory);
      this.#receive(place, {
        message: { type: 'peerConnected', peer, incarnation, codeVersionMax: 0 },
        from: null,
        memory,
      });
    });
  }

  #disconnect(at: NodeId, peer: NodeId): void {
    const place = this.#places.get(at)!;
    const { memory } = this.nodes.get(peer)!;
    this.plan(this.dice.between(0, 5), () => {
      this.#whenAwake(place, null, () => {
        this.#receive(place, { message: { type: 'peerDisconnected', peer }, from: null, memory });
      });
    });
  }

  #transmit(from: NodeId, to: NodeId, message: PeerMessage): void {
    const { weather, dice } = this;
    if (dice.chance(weather.lossRate)) return;
    this.#deliver(from, to, message);
    if (dice.chance(weather.doubleRate)) this.#deliver(from, to, message);
  }

  #deliver(from: NodeId, to: NodeId, message: PeerMessage): void {
    const { weather, dice } = this;
    const factor = dice.chance(weather.straggleRate) ? 20 : 1;
    const place = this.#places.get(to)!;
    const way = `${from}>${to}`;
    // A message belongs to a connection of these two; a node without its memory has other connections.
    const { memory } = this.nodes.get(from)!;
    const toMemory = this.#places.get(from)!.memories.get(to);
    const farMs = (this.farMs.get(from) ?? 0) + (this.farMs.get(to) ?? 0);
    let arrivesAtMs = this.nowMs + farMs + factor * dice.between(...weather.delayMs);
    if (weather.isOrdered) {
      arrivesAtMs = Math.max(arrivesAtMs, this.#lastArrivals.get(way) ?? 0);
      this.#lastArrivals.set(way, arrivesAtMs);
    }
    this.#events.plan(arrivesAtMs, () => {
      if (this.blocked.has(way)) return;
      this.#whenAwake(place, null, () => {
        if (place.node.memory !== toMemory || place.memories.get(from) !== memory) return;
        this.#receive(place, { message, from, memory });
      });
    });
  }

  /** The core takes what the network brings in its order, but not at once: connections may have changed meanwhile. */
  #receive(place: Place, received: Received): void {
    const { inbox, node, memories } = place;
    const { session } = node;
    if (inbox.push(received) > 1) return;
    const clogMs = place.cloggedUntilMs - this.nowMs;
    this.plan(Math.max(clogMs, this.dice.between(...this.weather.inboxMs)), () => {
      this.#whenAwake(place, session, () => {
        for (const { message, from, memory } of inbox.splice(0)) {
          if (from !== null && memories.get(from) !== memory) this.takenAcrossLives++;
          node.step(message);
        }
        this.#afterStep(place);
      });
    });
  }

  /** Does something on a node that is up, once it is not paused, in the life of `session` only (null: in any). */
  #whenAwake(place: Place, session: number | null, act: () => void): void {
    const { node } = place;
    if (node.core === null || (session !== null && node.session !== session)) return;
    if (place.pausedUntilMs > this.nowMs) {
      const life = session ?? node.session;
      this.#events.plan(place.pausedUntilMs, () => this.#whenAwake(place, life, act));
      return;
    }
    this.#setClock(place);
    act();
  }

  #setClock({ node, rate, offsetMs, wallSkewMs }: Place): void {
    const nowMs = offsetMs + rate * this.nowMs;
    node.setClock(nowMs, 1e6 + nowMs + wallSkewMs);
  }

  #tick(place: Place, session: number): void {
    if (!isAlive(place, session)) return;
    this.#whenAwake(place, session, () => {
      place.node.step({ type: 'tick' });
      this.#afterStep(place);
    });
    const pauseMs = Math.max(0, place.pausedUntilMs - this.nowMs);
    this.plan(pauseMs + TICK_MS, () => this.#tick(place, session));
  }

  #afterStep(place: Place): void {
    if (place.isFlushPlanned) return;
    place.isFlushPlanned = true;
    const { session } = place.node;
    this.plan(this.dice.between(...this.weather.batchMs), () => {
      this.#whenAwake(place, session, () => {
        place.isFlushPlanned = false;
        place.node.flush();
        this.#planSync(place);
      });
    });
  }

  #planSync(place: Place): void {
    const { node } = place;
    if (place.isSyncPlanned || node.disk.pending.length === 0) return;
    place.isSyncPlanned = true;
    const { session } = node;
    this.plan(this.dice.between(...this.weather.syncMs), () => {
      this.#whenAwake(place, session, () => {
        place.isSyncPlanned = false;
        // One sync covers whatever has gathered.
        for (let count = 1 + this.dice.below(node.disk.pending.length); count > 0; count--) node.syncNext();
        this.#afterStep(place);
        this.#planSync(place);
        this.#answerReads(node);
      });
    });
  }

  #planApply(place: Place): void {
    if (place.isApplyPlanned) return;
    place.isApplyPlanned = true;
    const { node } = place;
    const { session } = node;
    this.plan(this.dice.between(...this.weather.applyMs), () => {
      this.#whenAwake(place, session, () => {
        place.isApplyPlanned = false;
        node.apply(1 + this.dice.below(50));
        this.#afterStep(place);
        this.#answerReads(node);
        if (node.machine.appliedIndex < node.running.commitIndex) this.#planApply(place);
      });
    });
  }

  /** Lets the reads of a node run for which the machine has come far enough. */
  #answerReads(node: RaftNode): void {
    for (const [readId, { place, index, floor }] of this.#reads) {
      if (place.node !== node || index === null || index > node.machine.appliedIndex) continue;
      this.#reads.delete(readId);
      this.readsDone++;
      if (node.machine.count < floor) {
        throw new Error(`stale read: ${node.id} saw ${node.machine.count} commands, ${floor} were acknowledged before`);
      }
    }
  }

  #sendSnapshot(node: RaftNode, effect: SendSnapshot): void {
    const { to, session } = effect;
    this.send(node, to, node.offer(effect));
    const answer = { type: 'snapshotSent', peer: to, session } as const;
    const life = node.session;
    this.plan(50, () => this.#whenAwake(this.#places.get(node.id)!, life, () => this.tell(node.id, answer)));
  }

  /** The snapshot arrives, or not: then the leader's next offer is another chance. */
  #fetchSnapshot(node: RaftNode, { from, snapshotId }: FetchSnapshot): void {
    const place = this.#places.get(node.id)!;
    if (place.fetching.has(snapshotId)) return;
    place.fetching.add(snapshotId);
    const { session } = node;
    this.plan(this.dice.between(...this.weather.fetchMs), () => {
      this.#whenAwake(place, session, () => {
        place.fetching.delete(snapshotId);
        const source = this.nodes.get(from)!;
        const isLost = this.dice.chance(this.weather.fetchFailureRate) || source.core === null;
        if (isLost || this.blocked.has(`${from}>${node.id}`) || this.blocked.has(`${node.id}>${from}`)) return;
        const snapshot = source.disk.snapshotNamed(snapshotId);
        if (snapshot === null) return;
        node.disk.request({ type: 'install', snapshot });
        this.#planSync(place);
      });
    });
  }
}

function isAlive({ node }: Place, session: number): boolean {
  return node.core !== null && node.session === session;
}

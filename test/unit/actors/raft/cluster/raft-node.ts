/**
 * One node around a core: the disk, the machine and the callers that a real node would have, without threads or time of
 * its own. It carries out effects as the shell does; whoever owns the nodes decides when time passes, what the network
 * does and when the disk is done.
 */

import { NOBODY, type Configuration } from '../../../../../src/actors/raft/configuration.js';
import type { DurableEffect, Effect, SendSnapshot } from '../../../../../src/actors/raft/effects.js';
import { EntryKind } from '../../../../../src/actors/raft/entry.js';
import type { InstallSnapshot, PeerMessage, RaftMessage } from '../../../../../src/actors/raft/messages.js';
import { dropLogTo } from '../../../../../src/actors/raft/snapshots.js';
import { createCore, type Core, type CoreLimits } from '../../../../../src/actors/raft/state.js';
import { step, takeEffects } from '../../../../../src/actors/raft/step.js';
import { groupId, incarnation, logIndex, type Incarnation, type NodeId } from '../../../../../src/ids.js';
import type { Random } from '../../../../../src/runtime/random.js';
import { contentOf } from '../content.js';
import { SimDisk, type Snapshot } from './sim-disk.js';
import { decodeCommand, encodeCommand, TinyMachine } from './tiny-machine.js';

export interface NodeSettings {
  readonly configuration: Configuration;
  readonly electionTimeoutMs: readonly [number, number];
  readonly heartbeatMs: number;
  readonly limits: CoreLimits;
  /** The cluster that there is when the nodes start; null: it is yet to be founded. */
  readonly founded: Configuration | null;
}

/** What a node asks of its surroundings, and tells them. */
export interface NodeWorld {
  send(node: RaftNode, to: NodeId, message: PeerMessage): void;
  /** The core has taken a message. */
  stepped(node: RaftNode): void;
  /** An effect that the node does not carry out alone. */
  emitted(node: RaftNode, effect: Exclude<Effect, { type: 'send' | 'store' }>): void;
  /** The machine has applied one entry; `acknowledged` if it was a command of this node's own callers. */
  applied(node: RaftNode, acknowledged: boolean): void;
}

/** A core that goes on having effects without anything from outside would spin a real node's thread. */
const FLUSHES_MAX = 20;

export class RaftNode {
  readonly id: NodeId;
  disk: SimDisk;
  /** Disks that the node has lost, with what was durable on them. */
  readonly lostDisks: SimDisk[] = [];
  machine = new TinyMachine();
  core: Core | null = null;
  /** Names this life's session; every life has its own. */
  session = 0;
  submitted = 0;
  readonly #settings: NodeSettings;
  /** What this node is started with. */
  #configuration: Configuration;
  readonly #random: Random;
  readonly #world: NodeWorld;
  #nowMs = 0;
  #wallMs = 0;

  constructor(id: NodeId, settings: NodeSettings, random: Random, world: NodeWorld) {
    this.id = id;
    this.disk = new SimDisk(incarnationOf(id, 1), settings.founded);
    this.#settings = settings;
    this.#configuration = settings.configuration;
    this.#random = random;
    this.#world = world;
  }

  /** The core of a node that is running. */
  get running(): Core {
    if (this.core === null) throw new Error(`${this.id} is down`);
    return this.core;
  }

  get incarnation(): Incarnation {
    return this.disk.incarnation;
  }

  /** Counts the disks that this node has lost: names what it remembers. */
  get memory(): number {
    return this.lostDisks.length;
  }

  get isLeader(): boolean {
    return this.core?.role.name === 'leader';
  }

  /** Sets the clocks that the next steps are given. */
  setClock(nowMs: number, wallMs: number): void {
    this.#nowMs = nowMs;
    this.#wallMs = wallMs;
  }

  start(session: number): void {
    const { electionTimeoutMs, heartbeatMs, limits } = this.#settings;
    this.session = session;
    this.submitted = 0;
    this.machine = new TinyMachine();
    const { snapshot } = this.disk;
    this.core = createCore(
      {
        group: groupId(0),
        self: this.id,
        incarnation: this.incarnation,
        configuration: this.#configuration,
        electionTimeoutMs,
        heartbeatMs,
        codeVersionMax: 0,
        autoCodeVersion: false,
        random: this.#random,
        limits,
      },
      this.#nowMs,
      this.disk.recover(this.#random.uint32() % 2 === 1),
    );
    // The machine begins with the newest snapshot, wherever the log does.
    if (snapshot !== null) this.#installed(snapshot);
  }

  /** Loses everything that is not on disk. */
  crash(): void {
    this.core = null;
    this.disk.crash();
  }

  /**
   * A node that is down loses its disk as well. `isNaive`: it will come back as though it were the one that it was,
   * which no real node does.
   */
  wipe(isNaive: boolean): void {
    if (this.core !== null) throw new Error(`${this.id} is up`);
    this.lostDisks.push(this.disk);
    this.disk = new SimDisk(isNaive ? this.incarnation : incarnationOf(this.id, this.memory + 1), null);
  }

  /** A node that is down will not found a group when it comes back, but join one. */
  joinOnly(): void {
    this.#configuration = NOBODY;
  }

  /** A node that is down gets back the disk that it lost last, and remembers what it remembered then. */
  find(): void {
    const lost = this.lostDisks.pop();
    if (this.core !== null || lost === undefined) throw new Error(`${this.id} is up, or has lost nothing`);
    this.disk = lost;
  }

  /** Gives the core one message, without the flush that ends a batch. */
  step(message: RaftMessage): void {
    step(this.running, message, this.#nowMs, this.#wallMs);
    this.#world.stepped(this);
  }

  /** Ends a batch as the shell does: until the core has nothing more to say. */
  flush(): void {
    for (let flushes = 0; ; flushes++) {
      if (flushes > FLUSHES_MAX) throw new Error(`${this.id} spins: it has effects after every flush`);
      this.step({ type: 'flush' });
      const effects = takeEffects(this.running);
      if (effects.length === 0) return;
      for (const effect of [...effects]) this.#perform(effect);
    }
  }

  /** A caller of this node submits its next command. */
  submit(): void {
    const payload = encodeCommand({ session: this.session, seq: this.submitted++ });
    this.step({ type: 'submit', content: contentOf(EntryKind.block, payload) });
  }

  /** The disk finishes its first request. Returns false if there was none. */
  syncNext(): boolean {
    const request = this.disk.syncNext();
    if (request === undefined) return false;
    if (request.type === 'install') this.#installed(request.snapshot);
    else for (const effect of request.then) this.#performDurable(effect);
    return true;
  }

  /** The machine applies what is committed, at most `max` entries. */
  apply(max = Infinity): void {
    const core = this.running;
    let acknowledged = 0;
    let hasGap = false;
    const last = Math.min(core.commitIndex, this.machine.appliedIndex + max);
    while (this.machine.appliedIndex < last) {
      const entry = core.log.entry(logIndex(this.machine.appliedIndex + 1));
      const outcome = this.machine.apply(entry);
      const isOwn = entry.kind === EntryKind.block && decodeCommand(entry.payload).session === this.session;
      if (isOwn && outcome === 'applied') acknowledged++;
      if (isOwn && outcome === 'gap') hasGap = true;
      this.#world.applied(this, isOwn && outcome === 'applied');
    }
    this.step({ type: 'applied', index: logIndex(this.machine.appliedIndex) });
    if (acknowledged > 0) this.step({ type: 'submissionsApplied', count: acknowledged });
    if (hasGap) this.step({ type: 'submissionsRefused' });
  }

  /**
   * Takes a snapshot of the machine and drops the log up to it, or up to the one before it. Returns whether there was
   * something new in it.
   */
  compact(isOlderOfUse: boolean): boolean {
    const core = this.running;
    const index = logIndex(this.machine.appliedIndex);
    // A snapshot is taken of what is durable here.
    if (index <= this.disk.snapshotIndex || this.disk.termAt(index) !== core.log.termAt(index)) return false;
    const term = core.log.termAt(index)!;
    const lastIncluded = { index, term, timestampMs: core.log.timestampAt(index) };
    const configuration = core.configurations.at(index);
    const snapshot = { id: `${index}/${term}`, lastIncluded, configuration, state: this.machine.save() };
    dropLogTo(core, logIndex(this.disk.compact(snapshot, isOlderOfUse)));
    return true;
  }

  /** The offer of its newest snapshot that the core wants made. */
  offer({ session, round, term }: SendSnapshot): InstallSnapshot {
    const { snapshot } = this.disk;
    if (snapshot === null) throw new Error(`${this.id} has no snapshot to send`);
    const { index, term: lastIncludedTerm, timestampMs } = snapshot.lastIncluded;
    return {
      type: 'installSnapshot',
      group: groupId(0),
      from: this.id,
      term,
      session,
      round,
      lastIncludedIndex: index,
      lastIncludedTerm,
      lastIncludedTimestampMs: timestampMs,
      snapshotId: snapshot.id,
      snapshotBytes: 1_000,
    };
  }

  #installed({ lastIncluded, configuration, state }: Snapshot): void {
    let own = 0;
    if (lastIncluded.index > this.machine.appliedIndex) {
      const nextSeq = this.machine.nextSeq(this.session);
      this.machine.load(state);
      own = this.machine.nextSeq(this.session) - nextSeq;
    }
    this.step({ type: 'snapshotInstalled', lastIncluded, configuration });
    if (own > 0) this.step({ type: 'submissionsApplied', count: own });
  }

  #perform(effect: Effect): void {
    if (effect.type === 'send') this.#world.send(this, effect.to, effect.message);
    else if (effect.type === 'store') this.disk.request(effect);
    else this.#world.emitted(this, effect);
  }

  #performDurable(effect: DurableEffect): void {
    if (effect.type === 'send') this.#world.send(this, effect.to, effect.message);
    else this.step(effect.message);
  }
}

export function incarnationOf(id: NodeId, life: number): Incarnation {
  return incarnation(`${id}${life}`);
}

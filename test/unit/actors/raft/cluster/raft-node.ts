/**
 * One node around a core: the disk, the machine and the callers that a real node would have, without threads or time of
 * its own. It carries out effects as the shell does; whoever owns the nodes decides when time passes, what the network
 * does and when the disk is done.
 */

import type { Configuration } from '../../../../../src/actors/raft/configuration.js';
import type { DurableEffect, Effect } from '../../../../../src/actors/raft/effects.js';
import { EntryKind } from '../../../../../src/actors/raft/entry.js';
import type { PeerMessage, RaftMessage } from '../../../../../src/actors/raft/messages.js';
import { createCore, type Core, type CoreLimits } from '../../../../../src/actors/raft/state.js';
import { step, takeEffects } from '../../../../../src/actors/raft/step.js';
import { groupId, logIndex, type NodeId } from '../../../../../src/ids.js';
import type { Random } from '../../../../../src/runtime/random.js';
import { SimDisk, type Snapshot } from './sim-disk.js';
import { decodeCommand, encodeCommand, TinyMachine } from './tiny-machine.js';

export interface NodeSettings {
  readonly configuration: Configuration;
  readonly electionTimeoutMs: readonly [number, number];
  readonly heartbeatMs: number;
  readonly limits: CoreLimits;
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
  readonly disk = new SimDisk();
  machine = new TinyMachine();
  core: Core | null = null;
  /** Names this life's session; every life has its own. */
  session = 0;
  submitted = 0;
  readonly #settings: NodeSettings;
  readonly #random: Random;
  readonly #world: NodeWorld;
  #nowMs = 0;
  #wallMs = 0;

  constructor(id: NodeId, settings: NodeSettings, random: Random, world: NodeWorld) {
    this.id = id;
    this.#settings = settings;
    this.#random = random;
    this.#world = world;
  }

  /** The core of a node that is running. */
  get running(): Core {
    if (this.core === null) throw new Error(`${this.id} is down`);
    return this.core;
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
    const { electionTimeoutMs, heartbeatMs, configuration, limits } = this.#settings;
    this.session = session;
    this.submitted = 0;
    this.machine = new TinyMachine();
    if (this.disk.snapshot !== null) this.machine.load(this.disk.snapshot.state);
    this.core = createCore(
      { group: groupId(0), self: this.id, configuration, electionTimeoutMs, heartbeatMs, random: this.#random, limits },
      this.#nowMs,
      this.disk.recover(),
    );
  }

  /** Loses everything that is not on disk. */
  crash(): void {
    this.core = null;
    this.disk.crash();
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
    this.step({ type: 'submit', kind: EntryKind.block, payload });
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

  /** Takes a snapshot of the machine and drops the log that it covers. */
  compact(): Snapshot | null {
    const core = this.running;
    const index = this.machine.appliedIndex;
    // A snapshot is taken of what is durable here.
    if (index <= this.disk.snapshotIndex || this.disk.termAt(index) !== core.log.termAt(logIndex(index))) return null;
    const snapshot = { index, term: core.log.termAt(logIndex(index))!, state: this.machine.save() };
    this.disk.compact(snapshot);
    core.log.compactTo(logIndex(index));
    return snapshot;
  }

  #installed({ index, term, state }: Snapshot): void {
    if (index > this.machine.appliedIndex) {
      const own = this.machine.nextSeq(this.session);
      this.machine.load(state);
      const count = this.machine.nextSeq(this.session) - own;
      this.step({ type: 'snapshotInstalled', lastIncludedIndex: logIndex(index), lastIncludedTerm: term });
      if (count > 0) this.step({ type: 'submissionsApplied', count });
    } else {
      this.step({ type: 'snapshotInstalled', lastIncludedIndex: logIndex(index), lastIncludedTerm: term });
    }
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

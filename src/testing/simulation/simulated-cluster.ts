/**
 * A cluster of whole nodes in virtual time, each with a disk that outlives it: starts, kills, stops and restarts them,
 * and knows why one may have failed. What goes wrong, and when, is decided elsewhere.
 */

import { assert } from '../../assert.js';
import type { CreatableClasses, ObjectDefinitions } from '../../actors/replicated/object-definition.js';
import { ConclaveError } from '../../errors.js';
import { nodeId, type NodeId } from '../../ids.js';
import { dataDirLayout } from '../../storage/data-dir-layout.js';
import { SimulatedDisk } from '../simulated-disk.js';
import type { ClusterCheckers } from './cluster-checkers.js';
import type { ClusterShape } from './cluster-shape.js';
import { FAULTS } from './faults/fault-mix.js';
import { Member } from './member.js';
import { Memories } from './memories.js';
import { NodeLogger } from './node-logger.js';
import type { Placements } from './placements.js';
import type { SimulatedHost } from './simulated-host.js';
import type { NodeDelays, SimulatedNode } from './simulated-node.js';
import type { ClockError } from './simulated-process.js';
import type { Trace } from './trace.js';
import type { Violations } from './violations.js';

/** Those who use the nodes. */
export interface ClusterUsers<Definitions extends ObjectDefinitions = ObjectDefinitions> {
  /** A node is about to be started. */
  starting?(member: Member<Definitions>): void;
  /** A node has started; `life` names its present life. */
  join(member: Member<Definitions>, life: string): void;
  /** The node is about to end, or has ended. */
  leave(member: Member<Definitions>): void;
}

/** The code that nodes may be started with. */
export interface Builds<Definitions extends ObjectDefinitions = ObjectDefinitions> {
  /** By the highest code version that each has. */
  readonly objects: readonly Definitions[];
  /** Does the leader raise the version by itself? */
  readonly isAutomatic: boolean;
}

export interface SimulatedClusterParts<Definitions extends ObjectDefinitions> {
  readonly host: SimulatedHost<Definitions>;
  readonly shape: ClusterShape;
  readonly objects: Definitions;
  /** Those that objects can be created of. */
  readonly classes: CreatableClasses;
  readonly checkers: ClusterCheckers;
  readonly violations: Violations;
  readonly trace: Trace | null;
  readonly delays: NodeDelays;
  readonly users: ClusterUsers<Definitions>;
  /** The clock of each node. */
  readonly clock: () => ClockError;
  /** Where nodes have their objects; null: all on one thread. */
  readonly placements: Placements | null;
  /** Null: all nodes have the same code for ever. */
  readonly builds: Builds<Definitions> | null;
}

/** How long a node stays away: hardly, or for several elections. */
const AWAY_MS = [
  [1, 15],
  [5, 250],
] as const;
/** How long after the end of its machine a node is looked after. */
const TORN_MS = 100;
const DATA_DIR = '/data';

export class SimulatedCluster<Definitions extends ObjectDefinitions = ObjectDefinitions> {
  readonly #members: Member<Definitions>[];
  readonly host: SimulatedHost<Definitions>;
  readonly #parts: SimulatedClusterParts<Definitions>;
  /** Those whose removal somebody has asked for, and has not been answered about. */
  readonly leaving = new Set<NodeId>();
  /** Who remembers what was promised. */
  readonly memories: Memories;
  /** The code version that is in force by what is committed, as whoever watches it says. */
  codeVersion: () => number = () => 0;
  /** No node is to stay away any longer. */
  #isCalm = false;

  constructor(parts: SimulatedClusterParts<Definitions>) {
    const { host, shape } = parts;
    this.host = host;
    this.#parts = parts;
    const voters = votersOf(shape).map((name) => this.#newMember(name, false));
    const observers = Array.from({ length: shape.observers }, (_, i) =>
      this.#newMember(nodeId(`observer${i + 1}`), true),
    );
    this.#members = [...voters, ...observers];
    this.memories = new Memories(parts.checkers, this.#members, this.leaving);
  }

  /** All places, whether their nodes belong to the cluster or not. */
  get members(): readonly Member<Definitions>[] {
    return this.#members;
  }

  /** Those whom the last configuration that is committed names, and observers. */
  get belonging(): readonly Member<Definitions>[] {
    return this.#members.filter((member) => member.isObserver || this.isNamed(member));
  }

  /** Has the last configuration that is committed a part for it? Before there is one, all are to found the cluster. */
  isNamed({ name, joins }: Member<Definitions>): boolean {
    const { current } = this.#parts.checkers.admitted;
    return current === null ? !joins : current.isMember(name);
  }

  /** A place for one more node, which is not started yet. */
  addPlace(): Member<Definitions> {
    const member = this.#newMember(nameOf(this.voters.length), false);
    member.joins = true;
    // Whoever sets up a server today does so with the newest code that others have.
    member.build = Math.max(...this.#members.map(({ build }) => build));
    this.#members.push(member);
    return member;
  }

  /** See {@link ClusterShape.pace}. */
  get pace(): number {
    return this.#parts.shape.pace;
  }

  get voters(): readonly Member<Definitions>[] {
    return this.members.filter(({ isObserver }) => !isObserver);
  }

  /** Those whose nodes are up. */
  get running(): readonly Member<Definitions>[] {
    return this.members.filter(({ runtime }) => runtime !== null);
  }

  /** The node that leads in the latest term, as far as it knows. */
  get leader(): Member<Definitions> | undefined {
    const leaders = this.running.filter(({ runtime }) => runtime!.status().role === 'leader');
    return leaders.toSorted((a, b) => b.runtime!.status().term - a.runtime!.status().term)[0];
  }

  /** Starts all that are not there. Resolves when none is left that could not be started. */
  async startAll(): Promise<void> {
    await Promise.all(this.members.map((member) => this.start(member)));
  }

  /** Whoever runs a cluster runs all that it names. Those who have lost their places do not come back. */
  startNamed(): void {
    for (const member of this.belonging) {
      member.isRetired = false;
      if (member.node === null) void this.start(member);
      else if (this.#isLost(member)) void this.stop(member).then(() => this.start(member));
    }
  }

  /** An observer of whose members none is left must be told of others. */
  #isLost({ isObserver, runtime }: Member<Definitions>): boolean {
    const { current } = this.#parts.checkers.admitted;
    if (!isObserver || runtime === null || current === null) return false;
    const { members, leader } = runtime.status();
    return leader === null && !members.some(({ id }) => current.electors.some((each) => each === id));
  }

  /** Takes a node's disk from it, which is down. */
  wipe(member: Member<Definitions>): void {
    assert(member.node === null, 'a disk that is in use is not taken away');
    member.disk = this.#diskAfter(member, member.disk, 'nothing');
  }

  /**
   * Notes which nodes have stopped by themselves, as one does that was removed. It is for others to start them again.
   */
  noteStopped(): void {
    for (const member of this.#members) if (member.runtime?.status().health === 'stopped') this.#onStopped(member);
  }

  /** Starts a node. Resolves when it is up, or has been found unable to start; then it is started again later. */
  async start(member: Member<Definitions>): Promise<void> {
    // Two processes never have one disk.
    await member.stopping;
    if (member.node !== null || member.isRetired) return;
    const { host, trace, delays, checkers } = this.#parts;
    member.isAway = false;
    // Nobody founds a cluster beside the one that there is.
    if (!member.isObserver && !this.isNamed(member)) member.joins = true;
    member.isRemoved = false;
    member.lives += 1;
    const life = `${member.name}/${member.lives}`;
    this.#parts.users.starting?.(member);
    trace?.add(member.name, `starts its life ${member.lives}`);
    const started: SimulatedNode<Definitions>[] = [];
    try {
      const node = await host.start(this.#options(member), {
        disk: member.disk,
        segmentBytes: this.#parts.shape.segmentBytes,
        coreLimits: this.#parts.shape.limits,
        applyBytesMax: this.#parts.shape.applyBytesMax,
        clock: member.clock,
        delays,
        witness: checkers.witnessOf(member.name, {
          disk: member.disk,
          get isRotten() {
            return member.isRotten;
          },
        }),
        onNode: (each) => {
          member.node = each as unknown as SimulatedNode<Definitions>;
          started.push(member.node);
          member.node.onKilled = () => this.#onTorn(member, started[0]!);
        },
      });
      if (node.isKilled) return;
      node.runtime!.on('error', (error) => this.#onError(member, node, error));
      member.lastRuntime = node.runtime;
      this.#parts.users.join(member, life);
    } catch (error) {
      // Whoever has killed it has seen to the rest.
      const [node] = started;
      if (node !== undefined && node === (member.node as unknown) && !node.isKilled) this.#onNotStarted(member, error);
    }
  }

  /**
   * Ends a node in the middle of whatever it does; it comes back after a while. What is left of its disk is up to
   * `left`.
   */
  kill(member: Member<Definitions>, left: 'everything' | 'what was synced' | 'nothing'): void {
    const { node, disk } = member;
    if (node === null) return;
    if (member.runtime?.status().health === 'stopped') return this.#onStopped(member);
    const { host } = this.#parts;
    const isOff = left !== 'everything';
    if (isOff && host.dice.chance(0.5)) host.network.silence(member.name);
    const next = this.#diskAfter(member, disk, left);
    this.#end(member);
    host.kill(node);
    member.disk = next;
    this.#comeBackLater(member);
  }

  /** Ends a node in the middle of one of the next operations of its disk. */
  tear(member: Member<Definitions>, within: number): void {
    const { node, disk } = member;
    if (node === null) return;
    const { host } = this.#parts;
    disk.crashAt(disk.operations + 1 + host.dice.below(within));
    // One that writes nothing dies all the same.
    host.simulation.after(TORN_MS, () => {
      if (member.node === node && disk.crash === null) this.kill(member, 'what was synced');
    });
  }

  /** Ends a node as it makes the name of a snapshot durable, the next time that it does. */
  tearSnapshot({ disk }: Member<Definitions>): void {
    disk.crashAtNext('syncDirectory', dataDirLayout(DATA_DIR).snapshots);
  }

  /** Stops a node in order, and then does what its disk is to suffer. It comes back when it is started. */
  async stop(member: Member<Definitions>, whenStopped = (): void => {}): Promise<void> {
    const { node } = member;
    if (node === null || node.runtime === null) return;
    this.#end(member);
    member.isAway = true;
    node.process.thaw();
    member.stopping = this.#stopped(member, node, whenStopped);
    await member.stopping;
  }

  async #stopped(
    member: Member<Definitions>,
    node: SimulatedNode<Definitions>,
    whenStopped: () => void,
  ): Promise<void> {
    // It may lose power while it stops.
    const killed = new Promise<void>((resolve) => {
      node.onKilled = resolve;
    });
    await Promise.race([this.#parts.host.stop(node), killed]);
    // What was to happen to it does not happen to its next life.
    member.disk = member.disk.afterProcessDeath();
    member.disk.heal();
    member.isTroubled = false;
    whenStopped();
    member.stopping = null;
  }

  /** From now on, nobody stays away. */
  calmDown(): void {
    this.#isCalm = true;
    for (const member of this.members) {
      member.node?.process.thaw();
      member.disk.heal();
    }
  }

  #diskAfter(
    member: Member<Definitions>,
    disk: SimulatedDisk,
    left: 'everything' | 'what was synced' | 'nothing',
  ): SimulatedDisk {
    const { host, checkers } = this.#parts;
    if (left === 'everything') return disk.afterProcessDeath();
    if (left === 'what was synced') return disk.afterPowerLoss(host.dice.uint32());
    checkers.lost(member.name);
    member.isRotten = false;
    // Founders that have forgotten would found another cluster, where those who remember belong to this one no more.
    if (!member.isObserver && this.#haveChanged()) member.joins = true;
    return new SimulatedDisk(host.dice.uint32());
  }

  /** Are those who found the cluster not all who may count in it? */
  #haveChanged(): boolean {
    const founders = votersOf(this.#parts.shape);
    const { possible } = this.#parts.checkers.admitted;
    return possible.some(({ electors }) => electors.toSorted().join() !== founders.toSorted().join());
  }

  /** Its runtime has ended by itself. Only one that was removed does that without having failed. */
  #onStopped(member: Member<Definitions>): void {
    const { host, trace, violations } = this.#parts;
    const node = member.node!;
    host.coverage.count('removed nodes stopped');
    trace?.add(member.name, 'has stopped by itself');
    if (!member.isRemoved) violations.report('members', `${member.name} has stopped by itself, and was not removed`);
    this.#end(member);
    member.isRetired = true;
    member.stopping = this.#stopped(member, node, () => {});
  }

  #end(member: Member<Definitions>): void {
    this.#parts.users.leave(member);
    member.node?.process.thaw();
    member.node = null;
  }

  #comeBackLater(member: Member<Definitions>): void {
    const { host } = this.#parts;
    member.isTroubled = false;
    member.disk.heal();
    const awayMs = (): number => this.pace * host.dice.between(...host.dice.oneOf<readonly [number, number]>(AWAY_MS));
    host.simulation.after(this.#isCalm ? 1 : awayMs(), () => {
      if (!member.isAway) void this.start(member);
    });
  }

  /** The node's disk has crashed, and it with it. */
  #onTorn(member: Member<Definitions>, node: SimulatedNode<Definitions>): void {
    const { disk } = member;
    if (member.node !== node || disk.crash === null) return;
    const { host, trace } = this.#parts;
    host.coverage.count(disk.crash.isAtKind ? FAULTS.tornSnapshot.shows : FAULTS.tornWrite.shows);
    trace?.add(member.name, 'lost power in the middle of an operation of its disk');
    const next = this.#diskAfter(member, disk, host.dice.chance(0.3) ? 'everything' : 'what was synced');
    this.#end(member);
    member.disk = next;
    this.#comeBackLater(member);
  }

  #onNotStarted(member: Member<Definitions>, error: unknown): void {
    const { disk } = member;
    if (disk.crash !== null) return;
    this.#end(member);
    this.#judgeFailure(member, error);
    member.disk = disk.afterProcessDeath();
    this.#replaceIfRefused(member, error);
    this.#comeBackLater(member);
  }

  #onError(member: Member<Definitions>, node: SimulatedNode<Definitions>, error: Error): void {
    if (member.node !== node || node.runtime!.status().health !== 'failed') {
      if (error instanceof ConclaveError && error.code === 'ERR_DIVERGED') {
        this.#parts.violations.report('equal states', error.message);
      }
      return;
    }
    if (member.disk.crash !== null) return;
    const { host } = this.#parts;
    this.#end(member);
    // It would stop in order, and meanwhile write to a disk that its next life knows nothing of.
    node.kill();
    this.#judgeFailure(member, error);
    const left = host.dice.chance(0.5) ? 'everything' : 'what was synced';
    member.disk = this.#diskAfter(member, member.disk, left);
    this.#replaceIfRefused(member, error);
    this.#comeBackLater(member);
  }

  /** A node may fail for what was done to its disk, and for nothing else. */
  #judgeFailure(member: Member<Definitions>, error: unknown): void {
    const { trace, violations, host } = this.#parts;
    const what = error instanceof Error ? error.message : String(error);
    trace?.add(member.name, `has failed: ${what}`);
    const code = error instanceof ConclaveError ? error.code : null;
    if (code === 'ERR_STORAGE' && member.isTroubled) host.coverage.count('nodes stopped by their disks');
    else if (isRefusal(code) && member.isRotten) host.coverage.count('damage refused');
    else if (code === 'ERR_VERSION_UNSUPPORTED' && member.build < this.codeVersion()) this.#onTooOld(member);
    else violations.report('nodes go on', `${member.name} has failed: ${what}`);
  }

  /** Whoever runs a node that stops for its old code gives it newer one, if not at once. */
  #onTooOld(member: Member<Definitions>): void {
    const { host } = this.#parts;
    host.coverage.count('nodes stopped for their old code');
    if (this.#isCalm || host.dice.chance(0.7)) member.build = this.codeVersion();
  }

  /** Whoever runs a node that refuses its disk has it begin anew. */
  #replaceIfRefused(member: Member<Definitions>, error: unknown): void {
    if (!(error instanceof ConclaveError) || !isRefusal(error.code)) return;
    member.disk = this.#diskAfter(member, member.disk, 'nothing');
  }

  /**
   * Founders are started with what they were founded with. An observer is told whom to ask, and one who joins is asked.
   */
  #peersOf({ name, isObserver, joins }: Member<Definitions>): readonly NodeId[] {
    if (joins) return [];
    const { current } = this.#parts.checkers.admitted;
    const peers = isObserver && current !== null ? current.electors : votersOf(this.#parts.shape);
    return peers.filter((each) => each !== name);
  }

  #newMember(name: NodeId, isObserver: boolean): Member<Definitions> {
    const { host, clock } = this.#parts;
    return new Member(name, isObserver, new SimulatedDisk(host.dice.uint32()), clock());
  }

  #placementOf({ name }: Member<Definitions>): Readonly<Record<string, string>> {
    const { placements, host, trace } = this.#parts;
    if (placements === null) return {};
    const placement = placements.draw();
    if (Object.keys(placement).length === 0) return placement;
    host.coverage.count('objects placed on threads of their own');
    trace?.add(name, `places objects: ${JSON.stringify(placement)}`);
    return placement;
  }

  #options(member: Member<Definitions>): Parameters<SimulatedHost<Definitions>['start']>[0] {
    const { shape, objects, classes, builds, host, trace } = this.#parts;
    const { electionTimeoutMs, heartbeatMs, callTimeoutMs, snapshotEntries, isVerified } = shape;
    return {
      self: member.isObserver ? null : member.name,
      peers: this.#peersOf(member),
      join: member.joins,
      placement: this.#placementOf(member),
      objects: builds?.objects[member.build] ?? objects,
      classes,
      autoCodeVersion: builds?.isAutomatic ?? false,
      electionTimeoutMs,
      heartbeatMs,
      callTimeoutMs,
      snapshot: { entries: snapshotEntries, verify: isVerified },
      dataDir: DATA_DIR,
      logger: new NodeLogger(member.name, host.coverage, trace, () => (member.isRemoved = true)),
    };
  }
}

function votersOf({ members }: ClusterShape): readonly NodeId[] {
  return Array.from({ length: members }, (_, i) => nameOf(i));
}

function nameOf(index: number): NodeId {
  return nodeId(`${String.fromCodePoint(97 + index)}:1`);
}

function isRefusal(code: string | null): boolean {
  return code === 'ERR_STORAGE_CORRUPT' || code === 'ERR_DATA_DIR_MISMATCH';
}

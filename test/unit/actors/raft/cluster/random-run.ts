/**
 * One seeded history: a cluster lives through faults of all kinds while callers submit, read and transfer leadership;
 * then the faults end, and within a bounded time all must agree again and everything that was asked must be answered.
 */

import { isVoter, majorityConfiguration } from '../../../../../src/actors/raft/configuration.js';
import type { Core } from '../../../../../src/actors/raft/state.js';
import { describeConfiguration } from '../../../../scenario/describe-message.js';
import { nodeId, type NodeId } from '../../../../../src/ids.js';
import { Dice } from '../../../../../src/testing/simulation/dice.js';
import { RaftCluster } from './raft-cluster.js';
import type { RaftNode } from './raft-node.js';
import { FAIR_WEATHER } from './weather.js';

const FAULTS_MS = 2_500;
/** How long a cluster without faults may take until all agree. */
export const CONVERGENCE_MS = 4_000;
/** The same where some are far away: entries may go there a few at a time. */
const FAR_CONVERGENCE_MS = 30_000;
const READ_TIMEOUT_MS = 1_000;
/** How late a message may be that was sent while there were faults. */
const STRAGGLERS_MS = 600;
/** How long a quiet cluster may take to do what it is asked. */
const QUIET_MS = 300;
const FAR_QUIET_MS = 2_000;
/** How long a quiet cluster is watched: no election may be held. */
const WATCH_MS = 700;

/** So long after the last change was asked for, nothing of it is under way but what the nodes know of. */
const SETTLING_MS = 1_000;
/** How long a cluster that is founded in peace may take to do so. */
const FOUNDING_MS = 2_000;

/** How long a message to a node that is far away takes: there and back is more than a heartbeat takes to be due. */
const FAR_MS = 30;

/** One entry of a command has 48 bytes. */
const LIMITS = [
  { inflightMessagesMax: 2, inflightBytesMax: 1_200, appendBytesMax: 240 },
  { inflightMessagesMax: 8, inflightBytesMax: 240, appendBytesMax: 96 },
  { inflightMessagesMax: 64, inflightBytesMax: 100_000, appendBytesMax: 1 },
  { inflightMessagesMax: 64, inflightBytesMax: 100_000, appendBytesMax: 1_200 },
];

export interface RunReport {
  readonly convergedAfterMs: number;
  readonly committed: number;
  readonly acknowledged: number;
  readonly readsDone: number;
  /** How many times a voter has lost its memory. */
  readonly wiped: number;
  /** How many messages were taken after their sender had lost its memory and was connected again. */
  readonly takenAcrossLives: number;
  /** How many changes of members were begun, and how often a node learned that it is a member no more. */
  readonly changesBegun: number;
  readonly removals: number;
}

export interface RunOptions {
  /** A voter that has lost its memory comes back as though it were the one that it was, as no real node does. */
  readonly isNaive?: boolean;
  /** Three voters that crash, lose their memory and are cut off from each other, and nothing else. */
  readonly isAboutMemory?: boolean;
  /** Members are added, removed and replaced. */
  readonly isAboutMembers?: boolean;
  /** Less than half of the voters are so far away that what they answer is always some rounds old. */
  readonly isAboutDistance?: boolean;
}

/** @throws Error if Raft breaks one of its promises in this history. */
export function runRandomly(
  seed: number,
  { isNaive = false, isAboutMemory = false, isAboutMembers = false, isAboutDistance = false }: RunOptions = {},
): RunReport {
  const dice = new Dice(seed);
  const names = ['a', 'b', 'c', 'd', 'e'].map(nodeId);
  const voters = names.slice(0, isAboutMemory ? 3 : dice.oneOf([1, 2, 3, 3, 3, 3, 4, 5, 5, 5]));
  const joiners = isAboutMembers ? [...names.slice(voters.length), nodeId('f'), nodeId('g')] : [];
  const observers = dice.chance(0.3) ? [nodeId('o')] : [];
  const limits = { ...dice.oneOf(LIMITS), submissionBytesInflightMax: dice.oneOf([32, 100, 10_000]) };
  const configuration = majorityConfiguration(voters);
  // The wider the range, the longer an old and a new leader live side by side.
  const electionTimeoutMs = dice.oneOf([
    [100, 200],
    [100, 600],
  ] as const);
  const cluster = new RaftCluster({
    seed: dice.uint32(),
    configuration,
    observers,
    joiners,
    electionTimeoutMs,
    limits,
  });
  if (isAboutDistance) {
    const near = [...voters];
    while (near.length > voters.length / 2 + 1) {
      const [far] = near.splice(dice.below(near.length), 1);
      cluster.farMs.set(far!, dice.between(FAR_MS / 2, FAR_MS));
    }
  }
  // It takes all voters, who do not easily come together once there are faults.
  if (dice.chance(0.8)) cluster.run(FOUNDING_MS, () => cluster.checker.committedCount > 0);
  const operator = isAboutMembers ? new Operator(cluster, dice, [...voters, ...joiners]) : null;
  const faults = new Faults(cluster, dice, [...voters, ...joiners], operator, { isNaive, isAboutMemory });
  faults.begin(FAULTS_MS);
  new Callers(cluster, dice).begin(FAULTS_MS);
  operator?.begin(FAULTS_MS);
  cluster.run(FAULTS_MS);
  endFaults(cluster, dice);
  const startMs = cluster.nowMs;
  const withinMs = isAboutDistance ? FAR_CONVERGENCE_MS : CONVERGENCE_MS;
  if (!cluster.run(withinMs, () => isConverged(cluster))) throw new Error(`no convergence: ${describe(cluster)}`);
  const convergedAfterMs = cluster.nowMs - startMs;
  // A node that was told to campaign while there were faults may hear of it only now.
  cluster.run(STRAGGLERS_MS);
  askOnceMore(cluster, isAboutDistance ? FAR_QUIET_MS : QUIET_MS);
  return {
    convergedAfterMs,
    committed: cluster.checker.committedCount,
    acknowledged: cluster.acknowledged,
    readsDone: cluster.readsDone,
    wiped: faults.wiped,
    takenAcrossLives: cluster.takenAcrossLives,
    changesBegun: cluster.changesBegun,
    removals: cluster.removals,
  };
}

/** What goes wrong, and how often; each history has its own mixture. */
class Faults {
  readonly #cluster: RaftCluster;
  readonly #dice: Dice;
  readonly #voters: readonly NodeId[];
  readonly #kinds: readonly (() => void)[];
  readonly #paceMs: number;
  readonly #isNaive: boolean;
  readonly #operator: Operator | null;
  #endMs = 0;
  wiped = 0;

  constructor(
    cluster: RaftCluster,
    dice: Dice,
    voters: readonly NodeId[],
    operator: Operator | null,
    { isNaive, isAboutMemory }: { readonly isNaive: boolean; readonly isAboutMemory: boolean },
  ) {
    this.#cluster = cluster;
    this.#dice = dice;
    this.#voters = voters;
    this.#isNaive = isNaive;
    this.#operator = operator;
    this.#paceMs = dice.oneOf([60, 120, 250]);
    const all = [
      ...[this.#crash, this.#crash, this.#pause, this.#cutOff, this.#cutOff, this.#cutOneWay, this.#split],
      ...[this.#wipe, this.#replace, this.#replace, this.#flap, this.#usurp, this.#usurp, this.#bereave],
    ];
    const chosen = isAboutMemory
      ? [this.#crash, this.#wipe, this.#replace, this.#cutOff, this.#split, this.#bereave]
      : all.filter(() => dice.chance(0.5));
    this.#kinds = chosen.map((kind) => () => kind.call(this));
  }

  begin(forMs: number): void {
    const { weather } = this.#cluster;
    const dice = this.#dice;
    this.#endMs = this.#cluster.nowMs + forMs;
    // Much bad weather at once would only keep the cluster from doing anything.
    if (dice.chance(0.4)) weather.lossRate = dice.oneOf([0.03, 0.15, 0.4]);
    if (dice.chance(0.4)) weather.doubleRate = dice.between(0, 0.25);
    if (dice.chance(0.4)) weather.straggleRate = dice.between(0, 0.15);
    weather.isOrdered = dice.chance(0.5);
    weather.delayMs = [0.5, dice.oneOf([2, 2, 10, 30])];
    weather.syncMs = [0.1, dice.oneOf([1, 1, 20, 60])];
    weather.applyMs = [0, dice.oneOf([1, 1, 20, 100])];
    weather.inboxMs = [0, dice.oneOf([0, 0, 5])];
    weather.batchMs = [0, dice.oneOf([0, 1, 5])];
    weather.fetchMs = [1, dice.oneOf([10, 40, 300])];
    weather.fetchFailureRate = dice.oneOf([0, 0.2, 0.7]);
    if (dice.chance(0.7)) this.#snapshotEvery(dice.oneOf([20, 60, 200]));
    if (this.#kinds.length > 0) this.#next();
  }

  #next(): void {
    this.#cluster.plan(this.#dice.between(5, this.#paceMs), () => {
      if (this.#cluster.nowMs >= this.#endMs) return;
      this.#dice.oneOf(this.#kinds)();
      this.#next();
    });
  }

  #anyone(): NodeId {
    const { running, nodes } = this.#cluster;
    // What happens to a leader is more interesting than what happens to others.
    const leaders = running.filter((node) => node.isLeader);
    return leaders.length > 0 && this.#dice.chance(0.5)
      ? this.#dice.oneOf(leaders).id
      : this.#dice.oneOf([...nodes.keys()]);
  }

  #crash(): void {
    const id = this.#anyone();
    this.#cluster.crash(id);
    this.#cluster.plan(this.#dice.between(20, 500), () => this.#cluster.restart(id));
  }

  /** A node crashes and loses its disk. */
  #wipe(id = this.#anyone(), minMs = 20, maxMs = 500): void {
    if (!this.#mayWipe(id)) return;
    if (this.#voters.includes(id)) this.wiped++;
    this.#cluster.crash(id);
    this.#cluster.wipe(id, this.#isNaive, this.#operator !== null);
    this.#cluster.plan(this.#dice.between(minMs, maxMs), () => this.#cluster.restart(id));
  }

  /** A voter is back without its memory before another node has taken what the former life of it has sent. */
  #replace(): void {
    this.#cluster.clog(this.#anyone(), this.#dice.between(30, 100));
    this.#cluster.plan(this.#dice.between(1, 30), () => {
      if (this.#cluster.nowMs < this.#endMs) this.#wipe(this.#dice.oneOf(this.#voters), 1, 10);
    });
  }

  /** What is committed is kept only as long as a majority remembers; and an election takes a majority that counts. */
  #mayWipe(id: NodeId): boolean {
    if (this.#operator !== null) return this.#operator.allowsLossOf(id);
    if (!this.#voters.includes(id)) return !this.#isNaive;
    const { nodes } = this.#cluster;
    const lost = this.#voters.filter((each) => each === id || !this.#isWhole(nodes.get(each)!));
    return lost.length < this.#voters.length / 2;
  }

  /** Has this voter never lost anything, or has it been let in again since? */
  #isWhole(node: RaftNode): boolean {
    const { checker } = this.#cluster;
    if (node.memory === 0) return true;
    // A naive one is never let in: in its favour, it is whole only when it has everything.
    return this.#isNaive ? node.disk.lastIndex >= checker.committedCount : checker.isAdmitted(node);
  }

  #pause(): void {
    const leftMs = this.#endMs - this.#cluster.nowMs;
    this.#cluster.pause(this.#anyone(), Math.min(leftMs, this.#dice.between(10, 600)));
  }

  #cutOff(id = this.#anyone()): void {
    for (const other of this.#cluster.nodes.keys()) this.#block(id, other, true);
  }

  /** A leader is cut off while it hands over, so that for a while it does not know that there is another one. */
  #usurp(): void {
    const id = this.#cluster.running.find((node) => node.isLeader)?.id;
    if (id === undefined) return;
    this.#cluster.tell(id, { type: 'transferLeadership', target: null });
    this.#cluster.plan(this.#dice.between(1, 12), () => {
      if (this.#cluster.nowMs < this.#endMs) this.#cutOff(id);
    });
  }

  /**
   * The newest leader crashes as all come together again: one that was cut off competes, with a log that grew alone.
   */
  #bereave(): void {
    const leaders = this.#cluster.running.filter((node) => node.isLeader);
    const [newest] = leaders.toSorted((a, b) => b.running.term - a.running.term);
    if (newest === undefined) return;
    this.#cluster.blocked.clear();
    this.#cluster.crash(newest.id);
    this.#cluster.plan(this.#dice.between(200, 500), () => this.#cluster.restart(newest.id));
  }

  #cutOneWay(): void {
    const id = this.#anyone();
    const isDeaf = this.#dice.chance(0.5);
    for (const other of this.#cluster.nodes.keys()) {
      if (this.#dice.chance(0.7)) this.#block(isDeaf ? other : id, isDeaf ? id : other, false);
    }
  }

  #split(): void {
    const side = new Set(this.#voters.filter(() => this.#dice.chance(0.5)));
    for (const a of side) {
      for (const b of this.#cluster.nodes.keys()) if (!side.has(b)) this.#block(a, b, true);
    }
  }

  #block(from: NodeId, to: NodeId, bothWays: boolean): void {
    if (from === to) return;
    const { blocked } = this.#cluster;
    const ways = bothWays ? [`${from}>${to}`, `${to}>${from}`] : [`${from}>${to}`];
    for (const way of ways) blocked.add(way);
    this.#cluster.plan(this.#dice.between(30, 700), () => {
      for (const way of ways) blocked.delete(way);
      if (this.#dice.chance(0.5)) this.#cluster.connect(from, to);
    });
  }

  /** Snapshots are taken, which is no fault, but brings snapshots to those who were away. */
  #snapshotEvery(everyMs: number): void {
    this.#cluster.plan(this.#dice.between(0, 2 * everyMs), () => {
      if (this.#cluster.nowMs >= this.#endMs) return;
      this.#cluster.compact(this.#anyone());
      this.#snapshotEvery(everyMs);
    });
  }

  /** A connection is replaced by a new one. */
  #flap(): void {
    const [a, b] = [this.#anyone(), this.#anyone()];
    if (a !== b) this.#cluster.connect(a, b);
  }
}

/** Who adds, removes and replaces members; and knows when a loss of memory would be one too many. */
class Operator {
  readonly #cluster: RaftCluster;
  readonly #dice: Dice;
  readonly #names: readonly NodeId[];
  readonly #paceMs: number;
  #endMs = 0;
  #changes = 0;
  #askedAtMs = -Infinity;

  constructor(cluster: RaftCluster, dice: Dice, names: readonly NodeId[]) {
    this.#cluster = cluster;
    this.#dice = dice;
    this.#names = names;
    this.#paceMs = dice.oneOf([20, 60, 200]);
  }

  begin(forMs: number): void {
    this.#endMs = this.#cluster.nowMs + forMs;
    this.#next();
  }

  #next(): void {
    this.#cluster.plan(this.#dice.between(0, 2 * this.#paceMs), () => {
      if (this.#cluster.nowMs >= this.#endMs) return;
      this.#change();
      this.#next();
    });
  }

  #change(): void {
    const leaders = this.#cluster.running.filter((node) => node.isLeader);
    // Whoever waits for one to be let in again before the next change spares the cluster a deadlock.
    if (leaders.length === 0 || !this.#isWhole()) return;
    const node = this.#dice.oneOf(leaders);
    const leader = node.id;
    const [add, remove] = [this.#dice.oneOf(this.#names), this.#dice.oneOf([leader, ...this.#names])];
    const kind = this.#dice.oneOf(['add', 'remove', 'replace', 'replace']);
    this.#askedAtMs = this.#cluster.nowMs;
    this.#cluster.tell(leader, {
      type: 'changeMembers',
      changeId: ++this.#changes,
      add: kind === 'remove' ? null : add,
      remove: kind === 'add' ? null : remove,
      knownIndex: node.running.commitIndex,
    });
  }

  /** Does every voter, as far as is committed, remember what it has promised? */
  #isWhole(): boolean {
    const { checker, nodes } = this.#cluster;
    return checker.committedConfiguration?.electors.every((id) => checker.isAdmitted(nodes.get(id)!)) ?? false;
  }

  /** May this node lose its memory? Only while nothing is being changed, and if a majority is left that has not. */
  allowsLossOf(id: NodeId): boolean {
    const { checker, nodes, nowMs } = this.#cluster;
    const { committedConfiguration: committed } = checker;
    if (committed === null || nowMs - this.#askedAtMs < SETTLING_MS) return false;
    const isChanging = [...nodes.values()].some(({ core }) => {
      const { old, learners, voters } = core?.configurations.current ?? committed;
      return (
        old !== null ||
        learners.length > 0 ||
        (core?.configurations.isFounded === true && voters.join() !== committed.voters.join())
      );
    });
    if (isChanging) return false;
    const { voters } = committed;
    const lost = voters.filter((each) => each === id || !checker.isAdmitted(nodes.get(each)!));
    return !voters.includes(id) || lost.length < voters.length / 2;
  }
}

/** Those who use the cluster. */
class Callers {
  readonly #cluster: RaftCluster;
  readonly #dice: Dice;
  readonly #writeMs: number;
  readonly #readMs: number;
  readonly #transferMs: number;
  #endMs = 0;

  constructor(cluster: RaftCluster, dice: Dice) {
    this.#cluster = cluster;
    this.#dice = dice;
    this.#writeMs = dice.oneOf([15, 40, 100]);
    this.#readMs = dice.oneOf([5, 15, 40]);
    this.#transferMs = dice.oneOf([60, 300, 10_000]);
  }

  begin(forMs: number): void {
    this.#endMs = this.#cluster.nowMs + forMs;
    this.#repeat(this.#writeMs, (node) => {
      for (let count = 1 + this.#dice.below(3); count > 0; count--) this.#cluster.submit(node.id);
    });
    this.#repeat(this.#readMs, (node) => this.#cluster.read(node.id, this.#dice.chance(0.5), READ_TIMEOUT_MS));
    this.#repeat(this.#transferMs, (node) => {
      const leader = this.#cluster.running.find((each) => each.isLeader) ?? node;
      const target = this.#dice.chance(0.5) ? null : this.#dice.oneOf([...this.#cluster.nodes.keys()]);
      this.#cluster.tell(leader.id, { type: 'transferLeadership', target });
    });
  }

  #repeat(everyMs: number, act: (node: RaftNode) => void): void {
    this.#cluster.plan(this.#dice.between(0, 2 * everyMs), () => {
      if (this.#cluster.nowMs >= this.#endMs) return;
      const { running } = this.#cluster;
      // The one that believes to lead is asked more often than others, above all when it does so no more.
      const leaders = running.filter((node) => node.isLeader);
      const asked = leaders.length > 0 && this.#dice.chance(0.4) ? leaders : running;
      if (asked.length > 0) act(this.#dice.oneOf(asked));
      this.#repeat(everyMs, act);
    });
  }
}

function endFaults(cluster: RaftCluster, dice: Dice): void {
  Object.assign(cluster.weather, FAIR_WEATHER);
  cluster.blocked.clear();
  for (const id of cluster.nodes.keys()) cluster.restart(id);
  // Links that broke come back; those that only lost messages tell nobody.
  if (dice.chance(0.5)) return;
  for (const a of cluster.nodes.keys()) for (const b of cluster.nodes.keys()) if (a < b) cluster.connect(a, b);
}

/** A cluster that has converged does what it is asked without delay, and keeps its leader. */
function askOnceMore(cluster: RaftCluster, withinMs: number): void {
  if (!isConverged(cluster)) throw new Error(`a quiet cluster did not stay as it was: ${describe(cluster)}`);
  const [leader] = cluster.running.filter((node) => node.isLeader);
  const { term } = leader!.running;
  const { readsFailed } = cluster;
  for (const { id } of cluster.running) {
    cluster.submit(id);
    cluster.read(id, false, READ_TIMEOUT_MS);
    cluster.read(id, true, READ_TIMEOUT_MS);
  }
  const isDone = cluster.run(withinMs, () => isConverged(cluster));
  if (!isDone) throw new Error(`a quiet cluster did not answer: ${describe(cluster)}`);
  if (cluster.readsFailed > readsFailed) throw new Error('a read failed in a quiet cluster');
  cluster.run(WATCH_MS);
  if (leader!.running.term !== term) throw new Error('a quiet cluster held an election');
  if (!isConverged(cluster)) throw new Error(`a quiet cluster fell apart: ${describe(cluster)}`);
}

function isConverged(cluster: RaftCluster): boolean {
  const { running, nodes } = cluster;
  if (running.length < nodes.size) return false;
  const leaders = running.filter((node) => node.isLeader);
  if (leaders.length !== 1 || cluster.readsWaiting > 0) return false;
  const [leader] = leaders;
  const { log, term } = leader!.running;
  return running.every((node) => {
    const core = node.running;
    return (
      core.term === term &&
      core.leader === leader!.id &&
      core.handover === null &&
      core.role.name === (node === leader ? 'leader' : 'follower') &&
      core.log.lastIndex === log.lastIndex &&
      core.log.lastTerm === log.lastTerm &&
      core.commitIndex === log.lastIndex &&
      node.disk.lastIndex === log.lastIndex &&
      node.machine.appliedIndex === log.lastIndex &&
      node.machine.hash === leader!.machine.hash &&
      isSettled(core, node) &&
      node.machine.nextSeq(node.session) === node.submitted
    );
  });
}

/** Nothing is to be done about members: all who are to vote do, as they are. */
function isSettled({ configurations }: Core, { id, incarnation }: RaftNode): boolean {
  const { current, isFounded } = configurations;
  if (!isFounded || current.old !== null || current.learners.length > 0) return false;
  return !isVoter(current, id) || current.admitted.get(id) === incarnation;
}

function describe(cluster: RaftCluster): string {
  const nodes = [...cluster.nodes.values()].map((node) => {
    const { id, core, machine, session, submitted, incarnation } = node;
    if (core === null) return `${id} is down`;
    const { role, term, leader, log, commitIndex } = core;
    const own = `${machine.nextSeq(session)}/${submitted}`;
    const state = `${id}: ${role.name} of ${leader} in ${term}, log ${log.firstIndex}-${log.lastIndex}`;
    const peers = role.name !== 'leader' ? [] : [...role.peers.values()];
    const progress = peers.map((peer) => `; ${peer.id} ${peer.state} ${peer.matchIndex} < ${peer.nextIndex}`).join('');
    const admissions = `is ${incarnation}, ${describeConfiguration(core.configurations.current)}`;
    return `${state}, commit ${commitIndex}, applied ${machine.appliedIndex}, own ${own}, ${admissions}${progress}`;
  });
  return [`${cluster.readsWaiting} reads wait`, ...nodes].join('\n  ');
}

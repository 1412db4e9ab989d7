/**
 * Whoever runs a simulated cluster while things go wrong: starts nodes and has them added, puts one in the place of
 * another, removes members, the leader too, asks for two changes at once and those who do not lead, kills a node that
 * is being let in, and brings back those that were removed, with and without their disks. Never asks for what no
 * correct cluster survives.
 */

import type { ObjectDefinitions } from '../../../actors/replicated/object-definition.js';
import { ConclaveError, type ErrorCode } from '../../../errors.js';
import type { NodeId } from '../../../ids.js';
import type { Members } from '../../../node/members.js';
import type { StatedConfiguration } from '../checkers/stated-configuration.js';
import type { ClusterCheckers } from '../cluster-checkers.js';
import type { Dice } from '../dice.js';
import { FAULTS, type FaultMix, type FaultName } from '../faults/fault-mix.js';
import { Partitions, waysAcross } from '../faults/partitions.js';
import type { Member } from '../member.js';
import type { SimulatedCluster } from '../simulated-cluster.js';
import type { SimulatedProcess } from '../simulated-process.js';
import type { Trace } from '../trace.js';
import type { Violations } from '../violations.js';
import { inWords, type AskedChange } from './asked-change.js';
import { ChangeLedger } from './change-ledger.js';
import { Farewell } from './farewell.js';

export interface OperatorParts<Definitions extends ObjectDefinitions> {
  readonly cluster: SimulatedCluster<Definitions>;
  readonly checkers: ClusterCheckers;
  readonly violations: Violations;
  readonly trace: Trace | null;
  /** How often each of {@link OPERATIONS} is done in a second. */
  readonly rates: Pick<FaultMix, Operation>;
}

/** What an operator does, of all that a mix of faults says. */
export const OPERATIONS = ['memberChange', 'farewell', 'takeBack', 'hearsay'] as const satisfies readonly FaultName[];
type Operation = (typeof OPERATIONS)[number];

/** A node that is up, and asked for a change. */
interface Respondent {
  readonly name: NodeId;
  readonly members: Members;
  readonly process: SimulatedProcess;
}

/** What has become of a change. */
type Outcome = 'made' | ErrorCode;

/** What an operator may be told while things go wrong. */
const EXPECTED: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'ERR_ALREADY_MEMBER',
  'ERR_CHANGE_REFUSED',
  'ERR_CHANGE_UNDER_WAY',
  'ERR_NO_SUCH_MEMBER',
  'ERR_NO_LEADER',
  'ERR_STOPPED',
  'ERR_STORAGE',
  'ERR_STORAGE_CORRUPT',
  'ERR_TIMEOUT',
  'ERR_TRANSFER_FAILED',
  'ERR_VERSION_UNSUPPORTED',
]);
const VOTERS_MAX = 7;
/** Of places, beyond the founders' own. */
const NEWCOMERS_MAX = 4;
const TIMEOUTS_MS = [60, 400, 3_000] as const;
/** Who has so little time may have begun something, and gives up before it is answered. */
const HARDLY_MS = [1, 15] as const;
/** Less than it takes to commit anything, where that takes long. */
const BARELY_MS = [1, 4] as const;
const STARVES_MS = [10, 100] as const;
/** How often nodes that have stopped by themselves are looked for. */
const LOOK_EVERY_MS = 5;
const START_FIRST_MS = [0, 60] as const;
const CUT_OFF_MS = [20, 300] as const;
const DIES_MS = [1, 80] as const;
/** The steps of one change: a learner, C_old,new, C_new. */
const STEPS = 3;
/** How often a leader is looked at, and for how long, by who waits for a step. */
const WATCH_MS = 0.3;
const WATCHES = 500;

export class Operator<Definitions extends ObjectDefinitions = ObjectDefinitions> {
  readonly #parts: OperatorParts<Definitions>;
  readonly #dice: Dice;
  readonly #ledger: ChangeLedger;
  readonly #partitions: Partitions;
  readonly #placesMax: number;
  readonly #acts: readonly (() => void)[];
  readonly #farewell: Farewell<Definitions>;
  /** What is under way. */
  readonly #calls = new Set<Promise<unknown>>();
  #isOver = false;

  constructor(parts: OperatorParts<Definitions>) {
    const { cluster, checkers, violations } = parts;
    const { host } = cluster;
    this.#parts = parts;
    this.#dice = host.dice.fork();
    this.#ledger = new ChangeLedger(checkers.admitted, violations);
    this.#partitions = new Partitions(host.network, this.#dice);
    this.#placesMax = cluster.voters.length + NEWCOMERS_MAX;
    this.#acts = [
      () => this.#add(),
      () => this.#add(),
      () => this.#remove(),
      () => this.#remove(),
      () => this.#replace(),
      () => this.#replace(),
      () => this.#handOver(),
      () => this.#revive(),
    ];
    this.#farewell = new Farewell({
      cluster,
      checkers,
      dice: this.#dice,
      partitions: this.#partitions,
      remove: (member, asked) => this.#track(this.#tellToRemove(member, asked)),
      isOver: () => this.#isOver,
    });
  }

  begin(): void {
    for (const operation of OPERATIONS) if (this.#parts.rates[operation] > 0) this.#planNext(operation);
    this.#look();
  }

  /** Begins nothing any more. */
  end(): void {
    this.#isOver = true;
    this.#partitions.healAll();
  }

  /** Resolves when every call has ended. */
  async settled(): Promise<void> {
    while (this.#calls.size > 0) await Promise.all(this.#calls);
  }

  /** All nodes have the same. */
  judge(): void {
    const { current } = this.#parts.checkers.admitted;
    if (current !== null) this.#ledger.judge(current);
  }

  #planNext(operation: Operation): void {
    const { cluster, rates, checkers } = this.#parts;
    cluster.host.simulation.after(this.#dice.between(0, (cluster.pace * 2_000) / rates[operation]), () => {
      if (this.#isOver) return;
      if (checkers.admitted.isFounded) this.#operate(operation);
      this.#planNext(operation);
    });
  }

  #operate(operation: Operation): void {
    if (operation === 'memberChange') this.#act();
    else if (operation === 'takeBack') this.#track(this.#takeBack());
    else if (operation === 'hearsay') this.#track(this.#removeStranger());
    else if (this.#parts.checkers.admitted.current!.voters.length > 1) this.#track(this.#farewell.next());
    else this.#keepCompany();
  }

  /** Has somebody added to one that was left alone. */
  #keepCompany(): void {
    const { leader } = this.#parts.cluster;
    const newcomer = this.#newcomer();
    if (leader === undefined || newcomer === null || newcomer === leader) return;
    newcomer.joins = true;
    this.#bringBack(newcomer);
    const change: AskedChange = { add: newcomer.name, remove: null, timeoutMs: this.#dice.oneOf(TIMEOUTS_MS) };
    this.#track(this.#tell(respondent(leader), change, null));
  }

  /** Whoever is needed again after having stopped is started again. */
  #look(): void {
    if (this.#isOver) return;
    const { cluster } = this.#parts;
    cluster.noteStopped();
    for (const member of cluster.members) {
      if (member.isRetired && (cluster.isNamed(member) || this.#ledger.isOpenFor(member.name))) this.#bringBack(member);
    }
    cluster.host.simulation.after(LOOK_EVERY_MS, () => this.#look());
  }

  #act(): void {
    const times = this.#dice.chance(0.15) ? 2 : 1;
    for (let i = 0; i < times; i++) this.#dice.oneOf(this.#acts)();
  }

  #add(): void {
    const { checkers } = this.#parts;
    if ((checkers.admitted.current?.electors.length ?? 0) >= VOTERS_MAX) return;
    const newcomer = this.#newcomer();
    if (newcomer !== null) this.#track(this.#letIn(newcomer, null));
  }

  #replace(): void {
    const old = this.#someMember();
    if (old === null || !this.#parts.cluster.memories.mayRemove(old)) return;
    const newcomer = this.#newcomer();
    if (newcomer !== null) this.#track(this.#letIn(newcomer, old));
  }

  #remove(): void {
    const { cluster } = this.#parts;
    const { leader } = cluster;
    const member = this.#dice.chance(0.25) && leader !== undefined ? leader : this.#someMember();
    if (member === null || !cluster.memories.mayRemove(member)) return;
    if (member === leader) this.#count('leaders asked to remove themselves');
    this.#track(this.#ask({ add: null, remove: member.name, timeoutMs: this.#dice.oneOf(TIMEOUTS_MS) }, member));
  }

  #handOver(): void {
    const { leader } = this.#parts.cluster;
    const target = this.#someMember();
    if (leader === undefined || target === null || target === leader) return;
    const call = leader.runtime!.transferLeadership(this.#dice.chance(0.5) ? target.name : undefined);
    // The leader may not know the target for a member any more.
    this.#track(call.catch((error: unknown) => this.#isExpected(error, 'hand over', ['ERR_INVALID_OPTION'])));
  }

  /** One that was removed is started again, as what keeps processes running does; nobody lets it in. */
  #revive(): void {
    const retired = this.#parts.cluster.members.filter(({ isRetired, stopping }) => isRetired && stopping === null);
    if (retired.length > 0) this.#bringBack(this.#dice.oneOf(retired));
  }

  /** Starts a node, before it is asked for or only then, and has it added, or put in the place of `old`. */
  async #letIn(newcomer: Member<Definitions>, old: Member<Definitions> | null): Promise<void> {
    const { cluster } = this.#parts;
    const dice = this.#dice;
    if (newcomer.isRetired && newcomer.stopping === null && dice.chance(0.5)) {
      cluster.wipe(newcomer);
      this.#count('removed nodes wiped');
    }
    newcomer.joins = true;
    this.#bringBack(newcomer);
    if (dice.chance(0.7)) await cluster.host.sleep(dice.between(...START_FIRST_MS));
    if (this.#isOver || (old !== null && !cluster.memories.mayRemove(old))) return;
    this.#track(this.#ask({ add: newcomer.name, remove: old?.name ?? null, timeoutMs: dice.oneOf(TIMEOUTS_MS) }, old));
    if (!dice.chance(0.3)) return;
    await cluster.host.sleep(dice.between(...DIES_MS));
    if (this.#isOver || newcomer.node === null) return;
    const left = dice.oneOf(['everything', 'what was synced', 'nothing'] as const);
    if (left === 'nothing' && !cluster.memories.mayLose(newcomer)) return;
    this.#count('nodes killed while they were let in');
    cluster.kill(newcomer, left);
  }

  /**
   * Has somebody added who need not even be there, gives that up at once, and has another node take it back. Now and
   * then wants it all the same, before it has heard that it was removed.
   */
  async #takeBack(): Promise<void> {
    const { cluster, checkers } = this.#parts;
    const { leader } = cluster;
    if (checkers.admitted.current!.electors.length >= VOTERS_MAX) return;
    const newcomer = this.#newcomer();
    if (leader === undefined || newcomer === null || cluster.isNamed(newcomer)) return;
    newcomer.joins = true;
    if (this.#dice.chance(0.5)) {
      this.#bringBack(newcomer);
      await cluster.host.sleep(this.#dice.between(...START_FIRST_MS));
      if (this.#isOver || cluster.leader !== leader) return;
    }
    const change: AskedChange = { add: newcomer.name, remove: null, timeoutMs: this.#dice.between(...HARDLY_MS) };
    if ((await this.#tell(respondent(leader), change, null)) !== 'ERR_TIMEOUT') return;
    const others = cluster.running.filter((each) => each !== leader && cluster.isNamed(each));
    if (this.#isOver || others.length === 0 || this.#ledger.isOpenFor(newcomer.name)) return;
    const outcome = await this.#tellToRemove(newcomer, this.#dice.oneOf(others));
    if (outcome !== 'made') return;
    this.#count(FAULTS.takeBack.shows);
    const { leader: next } = cluster;
    if (this.#isOver || next === undefined || newcomer.node === null) return;
    this.#count('removed nodes added again at once');
    await this.#tell(respondent(next), { ...change, timeoutMs: this.#dice.oneOf(TIMEOUTS_MS) }, null);
  }

  /**
   * Has somebody added who is not there, gives that up before it can be committed, and at once has this one removed by
   * a node to which no entry gets through.
   */
  async #removeStranger(): Promise<void> {
    const { cluster, checkers } = this.#parts;
    const { leader } = cluster;
    const stranger = this.#newcomer();
    if (leader === undefined || stranger === null || cluster.isNamed(stranger) || stranger.node !== null) return;
    if (checkers.admitted.current!.electors.length >= VOTERS_MAX) return;
    const others = cluster.running.filter((each) => each !== leader && cluster.isNamed(each));
    // The rest of them are to commit it.
    if (others.length < 2) return;
    const asked = this.#dice.oneOf(others);
    stranger.joins = true;
    const feed = cluster.host.network.starve(leader.name, asked.name);
    cluster.host.simulation.after(this.#dice.between(...STARVES_MS), feed);
    const change: AskedChange = { add: stranger.name, remove: null, timeoutMs: this.#dice.between(...BARELY_MS) };
    if ((await this.#tell(respondent(leader), change, null)) !== 'ERR_TIMEOUT') return feed();
    if (this.#isOver || !cluster.running.includes(asked) || this.#ledger.isOpenFor(stranger.name)) return feed();
    const outcome = await this.#tellToRemove(stranger, asked);
    feed();
    if (outcome === 'made') this.#count(FAULTS.hearsay.shows);
  }

  #tellToRemove(member: Member<Definitions>, asked: Member<Definitions>): Promise<Outcome> {
    const change: AskedChange = { add: null, remove: member.name, timeoutMs: this.#dice.oneOf(TIMEOUTS_MS) };
    return this.#tell(respondent(asked), change, member);
  }

  /** Asks somebody, who may be disturbed meanwhile. */
  async #ask(change: AskedChange, removed: Member<Definitions> | null): Promise<void> {
    const asked = this.#whomToAsk();
    if (asked === null) return;
    // As it is before anything is done to it.
    const told = respondent(asked);
    if (this.#dice.chance(0.12)) this.#cutOff(asked);
    else if (this.#dice.chance(0.25)) this.#track(this.#interrupt());
    this.#count(FAULTS.memberChange.shows);
    await this.#tell(told, change, removed);
  }

  async #tell(
    { name, members, process }: Respondent,
    change: AskedChange,
    removed: Member<Definitions> | null,
  ): Promise<Outcome> {
    const { trace, cluster } = this.#parts;
    const what = inWords(change);
    trace?.add('operator', `asks ${name} to ${what}, within ${change.timeoutMs} ms`);
    const open = this.#ledger.asked(change, () => process.awakeMs);
    if (removed !== null) cluster.leaving.add(removed.name);
    try {
      await askOf(members, change);
      this.#count('changes made');
      trace?.add('operator', `${what}: done`);
      this.#ledger.made(open);
    } catch (error) {
      this.#isExpected(error, what);
      const code = error instanceof ConclaveError ? error.code : 'ERR_TIMEOUT';
      this.#ledger.failed(open, code);
      return code;
    } finally {
      if (removed !== null && !this.#ledger.isOpenFor(removed.name)) cluster.leaving.delete(removed.name);
    }
    if (removed !== null) this.#seeOff(removed);
    return 'made';
  }

  /** A node that was removed stops by itself when it hears of it. Some do not wait for that. */
  #seeOff(removed: Member<Definitions>): void {
    const { cluster } = this.#parts;
    if (this.#isOver || !this.#dice.chance(0.3) || cluster.isNamed(removed)) return;
    if (this.#ledger.isOpenFor(removed.name)) return;
    // It has stopped long ago, and is being started again.
    if (removed.node !== null && removed.runtime === null) return;
    removed.isRetired = true;
    this.#track(cluster.stop(removed));
  }

  #bringBack(member: Member<Definitions>): void {
    member.isRetired = false;
    this.#track(this.#parts.cluster.start(member));
  }

  /**
   * Ends a leadership in the middle of a change: what it has begun is for the next leader to complete, or to cut off.
   */
  async #interrupt(): Promise<void> {
    const { cluster, checkers } = this.#parts;
    const steps = 1 + this.#dice.below(STEPS);
    const seen = new Set<StatedConfiguration>();
    for (let i = 0; i < WATCHES && !this.#isOver; i++) {
      const { leader } = cluster;
      const step = leader === undefined ? null : checkers.openConfigurationOf(leader.name);
      if (step !== null) seen.add(step);
      if (leader !== undefined && step !== null && seen.size >= steps) {
        this.#count('leaders ended in the middle of a change');
        if (this.#dice.chance(0.5)) this.#cutOff(leader);
        else cluster.kill(leader, this.#dice.oneOf(['everything', 'what was synced']));
        return;
      }
      await cluster.host.sleep(WATCH_MS);
    }
  }

  #cutOff({ name }: Member<Definitions>): void {
    const all = this.#parts.cluster.members.map((each) => each.node?.networkId ?? each.name);
    this.#count('leaders cut off by an operator');
    this.#partitions.block(waysAcross(new Set([name]), all), this.#dice.between(...CUT_OFF_MS));
  }

  /** The leader, as a rule. */
  #whomToAsk(): Member<Definitions> | null {
    const { leader, running, voters } = this.#parts.cluster;
    if (leader !== undefined && this.#dice.chance(0.85)) return leader;
    const others = voters.filter((each) => running.includes(each));
    return others.length === 0 ? null : this.#dice.oneOf(others);
  }

  #someMember(): Member<Definitions> | null {
    const { cluster, checkers } = this.#parts;
    const { current } = checkers.admitted;
    const members = cluster.members.filter(({ name }) => current?.isMember(name) === true);
    return members.length === 0 ? null : this.#dice.oneOf(members);
  }

  /** Somebody who is no member: one that was, or one that is new. Now and then somebody who is one. */
  #newcomer(): Member<Definitions> | null {
    const { cluster } = this.#parts;
    if (this.#dice.chance(0.05)) return this.#someMember();
    const free = cluster.voters.filter((each) => !cluster.isNamed(each) && each.stopping === null);
    if (free.length > 0 && (this.#dice.chance(0.6) || cluster.voters.length >= this.#placesMax)) {
      return this.#dice.oneOf(free);
    }
    return cluster.voters.length >= this.#placesMax ? null : cluster.addPlace();
  }

  #isExpected(error: unknown, what: string, more: readonly ErrorCode[] = []): void {
    const { trace, violations } = this.#parts;
    if (error instanceof ConclaveError && (EXPECTED.has(error.code) || more.includes(error.code))) {
      this.#count(`changes ended with ${error.code}`);
      trace?.add('operator', `${what}: ${error.code}`);
    } else violations.report('errors', `who asked to ${what} was told: ${String(error)}`);
  }

  #count(event: string): void {
    this.#parts.cluster.host.coverage.count(event);
  }

  #track(call: Promise<unknown>): void {
    const tracked: Promise<unknown> = call
      .catch((error: unknown) => this.#parts.violations.report('errors', `an operator ended: ${String(error)}`))
      .finally(() => this.#calls.delete(tracked));
    this.#calls.add(tracked);
  }
}

function respondent<Definitions extends ObjectDefinitions>({ name, node }: Member<Definitions>): Respondent {
  const { process, runtime } = node!;
  return { name, members: runtime!.members, process };
}

function askOf(members: Members, { add, remove, timeoutMs }: AskedChange): Promise<void> {
  if (add === null) return members.remove(remove!, { timeoutMs });
  return remove === null ? members.add(add, { timeoutMs }) : members.replace(remove, add, { timeoutMs });
}

/**
 * Does to a cluster what its mix of faults says, as often as it says, until it is told to stop. Never does what no
 * correct cluster survives: a majority that forgets.
 */

import type { ObjectDefinitions } from '../../../actors/replicated/object-definition.js';
import type { NodeId } from '../../../ids.js';
import type { Dice } from '../dice.js';
import { FAIR_NETWORK } from '../network-weather.js';
import type { Member } from '../member.js';
import type { SimulatedCluster } from '../simulated-cluster.js';
import type { NodeDelays } from '../simulated-node.js';
import { RIGHT_CLOCK, type ClockError } from '../simulated-process.js';
import type { Trace } from '../trace.js';
import { FAULTS, FAULT_NAMES, type FaultMix, type FaultName } from './fault-mix.js';
import { Partitions, waysAcross, type Way } from './partitions.js';

/** How long each fault of its kind lasts. */
const PARTITION_MS = [20, 500] as const;
const PAUSE_MS = [5, 400] as const;
const SUSPENDED_MS = [100, 700] as const;
/** How long after that nobody has heard of it. */
const UNHEARD_MS = [1, 100] as const;
const HANDING_OVER_MS = [1, 12] as const;
/** How often it is looked whether there is another leader. */
const LOOK_EVERY_MS = 1;
const DISK_FULL_MS = [50, 400] as const;
const OBJECTS_AWAY_MS = [5, 150] as const;
const LATE_MS = [2, 60] as const;
/** A torn or failing operation is one of so many next ones. */
const OPERATIONS = 25;
const SPARE_BYTES = 12 * 1024;

/** What is counted when it has happened, which need not be when it was begun. */
const COUNTED_LATER: ReadonlySet<FaultName> = new Set<FaultName>(['tornWrite', 'tornSnapshot', 'overtaking']);

/** Two clocks run at most 10 % apart, which is what the lease allows for. */
export const RATES = [0.955, 1.045] as const;

/** What a mix makes of clocks and threads; known before there is a cluster. */
export class Slowness implements NodeDelays {
  readonly #mix: FaultMix;
  readonly #dice: Dice;
  readonly #count: (event: string) => void;
  isOver = false;

  constructor(mix: FaultMix, dice: Dice, count: (event: string) => void) {
    this.#mix = mix;
    this.#dice = dice;
    this.#count = count;
  }

  syncMs(): number {
    return this.#late('slowDisk');
  }

  applyMs(): number {
    return this.#late('slowObjects');
  }

  clock(): ClockError {
    const dice = this.#dice;
    if (!dice.chance(this.#mix.clockDrift)) return RIGHT_CLOCK;
    this.#count(FAULTS.clockDrift.shows);
    return {
      rate: dice.between(...RATES),
      offsetMs: dice.between(0, 1_000),
      wallRate: 1,
      wallOffsetMs: dice.below(10_000) - 5_000,
    };
  }

  #late(fault: 'slowDisk' | 'slowObjects'): number {
    if (this.isOver || this.#mix[fault] === 0 || !this.#dice.chance(this.#mix[fault])) return 0;
    this.#count(FAULTS[fault].shows);
    return this.#dice.between(...LATE_MS);
  }
}

type Act<Definitions extends ObjectDefinitions> = (member: Member<Definitions>) => boolean;

export class FaultInjector<Definitions extends ObjectDefinitions = ObjectDefinitions> {
  readonly #cluster: SimulatedCluster<Definitions>;
  readonly #mix: FaultMix;
  readonly #slowness: Slowness;
  readonly #trace: Trace | null;
  readonly #dice: Dice;
  readonly #partitions: Partitions;
  readonly #acts: Readonly<Partial<Record<FaultName, Act<Definitions>>>>;
  #isOver = false;

  constructor(cluster: SimulatedCluster<Definitions>, mix: FaultMix, slowness: Slowness, trace: Trace | null) {
    this.#cluster = cluster;
    this.#mix = mix;
    this.#slowness = slowness;
    this.#trace = trace;
    this.#dice = cluster.host.dice.fork();
    this.#partitions = new Partitions(cluster.host.network, this.#dice);
    this.#acts = {
      partition: () => this.#split(),
      partialPartition: () => this.#splitPartly(),
      oneWayPartition: (member) => this.#splitOneWay(member),
      flapping: (member) => this.#flap(member),
      usurpation: () => this.#usurp(),
      bereavement: () => this.#bereave(),
      isolation: () => this.#isolate(),
      overtaking: () => this.#overtake(),
      pause: (member) => this.#pause(member),
      suspension: (member) => this.#suspend(member),
      crash: (member) => this.#kill(member, 'everything'),
      powerLoss: (member) => this.#kill(member, 'what was synced'),
      diskLoss: (member) => cluster.memories.mayLose(member) && this.#lose(member),
      tornWrite: (member) => this.#tear(member),
      tornSnapshot: (member) => this.#tearSnapshot(member),
      restart: (member) => this.#restart(member, false),
      bitRot: (member) => cluster.memories.mayLose(member) && this.#restart(member, true),
      diskFull: (member) => this.#fillDisk(member),
      diskFailure: (member) => this.#failDisk(member),
      objectCrash: (member) => this.#crashObjects(member),
    };
  }

  begin(): void {
    const { weather } = this.#cluster.host.network;
    const { messageLoss, connectionLoss, messageDelay, messageDuplication, messageReordering } = this.#mix;
    weather.lossRate = messageLoss;
    weather.breakRate = connectionLoss;
    weather.straggleRate = messageDelay;
    weather.duplicateRate = messageDuplication;
    weather.reorderRate = messageReordering;
    for (const name of FAULT_NAMES) if (this.#acts[name] !== undefined && this.#mix[name] > 0) this.#planNext(name);
  }

  /** From now on nothing goes wrong any more. */
  end(): void {
    this.#isOver = true;
    this.#slowness.isOver = true;
    const { weather } = this.#cluster.host.network;
    const { delayMs } = weather;
    Object.assign(weather, FAIR_NETWORK, { delayMs });
    this.#partitions.healAll();
    this.#trace?.add('simulation', 'faults end');
  }

  #planNext(name: FaultName): void {
    const { simulation, coverage } = this.#cluster.host;
    simulation.after(this.#during([0, 2_000 / this.#mix[name]]), () => {
      if (this.#isOver) return;
      const member = this.#anyone();
      if (member !== null && this.#acts[name]!(member)) {
        if (!COUNTED_LATER.has(name)) coverage.count(FAULTS[name].shows);
        this.#trace?.add(member.name, `fault: ${name}`);
      }
      this.#planNext(name);
    });
  }

  /** What happens to a leader is more interesting than what happens to others. */
  #anyone(): Member<Definitions> | null {
    const { leader, members } = this.#cluster;
    if (leader !== undefined && this.#dice.chance(0.4)) return leader;
    const alive = members.filter(({ node }) => node !== null);
    return alive.length === 0 ? null : this.#dice.oneOf(alive);
  }

  #split(): boolean {
    const all = this.#names();
    const side = new Set(all.filter(() => this.#dice.chance(0.5)));
    return this.#block(waysAcross(side, all));
  }

  #splitPartly(): boolean {
    const all = this.#names();
    const ways = all.flatMap((a) =>
      all.flatMap((b): Way[] =>
        a < b && this.#dice.chance(0.4)
          ? [
              [a, b],
              [b, a],
            ]
          : [],
      ),
    );
    return this.#block(ways);
  }

  #splitOneWay(member: Member<Definitions>): boolean {
    const name = idOf(member);
    const isDeaf = this.#dice.chance(0.5);
    const others = this.#names().filter((other) => other !== name && this.#dice.chance(0.7));
    return this.#block(others.map((other): Way => (isDeaf ? [other, name] : [name, other])));
  }

  #block(ways: readonly Way[]): boolean {
    if (ways.length === 0) return false;
    this.#partitions.block(ways, this.#during(PARTITION_MS));
    return true;
  }

  #flap(member: Member<Definitions>): boolean {
    const name = idOf(member);
    const others = this.#names().filter((other) => other !== name);
    if (others.length === 0) return false;
    this.#cluster.host.network.disconnect(name, this.#dice.oneOf(others));
    return true;
  }

  #usurp(): boolean {
    const { leader, host } = this.#cluster;
    if (leader === undefined || this.#cluster.voters.length < 2) return false;
    leader.runtime!.transferLeadership().catch(() => {});
    host.simulation.after(this.#dice.between(...HANDING_OVER_MS), () => {
      if (!this.#isOver) this.#block(waysAcross(new Set([idOf(leader)]), this.#names()));
    });
    return true;
  }

  #bereave(): boolean {
    const { leader } = this.#cluster;
    if (leader === undefined || !this.#partitions.isAny) return false;
    this.#partitions.healAll();
    return this.#kill(leader, 'what was synced');
  }

  #isolate(): boolean {
    const { leader, voters } = this.#cluster;
    if (leader === undefined || voters.length < 2) return false;
    return this.#block(waysAcross(new Set([idOf(leader)]), this.#names()));
  }

  #overtake(): boolean {
    const { leader: former, voters, pace } = this.#cluster;
    if (former === undefined || voters.length < 2) return false;
    const forMs = pace * PARTITION_MS[1];
    const heal = this.#partitions.block(waysAcross(new Set([idOf(former)]), this.#names()), forMs);
    void this.#healWhenOvertaken(former, forMs, heal);
    return true;
  }

  async #healWhenOvertaken(former: Member<Definitions>, forMs: number, heal: () => void): Promise<void> {
    const { host, pace } = this.#cluster;
    const { runtime } = former;
    const untilMs = host.simulation.nowMs() + forMs;
    const committed = runtime!.status().commitIndex;
    while (!this.#isOver && host.simulation.nowMs() < untilMs) {
      await host.sleep(pace * LOOK_EVERY_MS);
      const next = this.#cluster.leader?.runtime ?? null;
      if (next === null || next === runtime || next.status().commitIndex <= committed) continue;
      await next.compact().catch(() => {});
      host.coverage.count(FAULTS.overtaking.shows);
      return heal();
    }
  }

  #pause({ node }: Member<Definitions>): boolean {
    if (node === null || node.process.isFrozen) return false;
    node.process.freeze();
    this.#cluster.host.simulation.after(this.#during(PAUSE_MS), () => node.process.thaw());
    return true;
  }

  /** One whose calendar was set cannot know how long that was. */
  #suspend(member: Member<Definitions>): boolean {
    const { node } = member;
    if (node === null || node.process.isFrozen || node.process.calendarJumps > 0) return false;
    const forMs = this.#during(SUSPENDED_MS);
    node.process.suspend();
    this.#cluster.host.simulation.after(forMs, () => node.process.thaw());
    if (this.#dice.chance(0.7)) {
      const ways = waysAcross(new Set([idOf(member)]), this.#names());
      this.#partitions.block(ways, forMs + this.#during(UNHEARD_MS));
    }
    return true;
  }

  #kill(member: Member<Definitions>, left: 'everything' | 'what was synced' | 'nothing'): boolean {
    if (member.node === null) return false;
    this.#cluster.kill(member, left);
    return true;
  }

  /**
   * Every second time somebody else dies as well: whoever comes back without its memory must not make up for that one.
   */
  #lose(member: Member<Definitions>): boolean {
    if (!this.#kill(member, 'nothing')) return false;
    const other = this.#anyone();
    if (other !== null && this.#dice.chance(0.5)) this.#kill(other, 'everything');
    return true;
  }

  #tear(member: Member<Definitions>): boolean {
    if (member.node === null) return false;
    this.#cluster.tear(member, OPERATIONS);
    return true;
  }

  #tearSnapshot(member: Member<Definitions>): boolean {
    if (member.node === null) return false;
    this.#cluster.tearSnapshot(member);
    return true;
  }

  #restart(member: Member<Definitions>, isRotting: boolean): boolean {
    if (member.node?.runtime === null || member.node === null) return false;
    void this.#stopAndStart(member, isRotting);
    return true;
  }

  async #stopAndStart(member: Member<Definitions>, isRotting: boolean): Promise<void> {
    // Nobody else is to lose anything meanwhile.
    if (isRotting) member.isRotten = true;
    await this.#cluster.stop(member, () => {
      if (isRotting) this.#turnBit(member);
    });
    await this.#cluster.host.sleep(this.#during(PAUSE_MS));
    await this.#cluster.start(member);
  }

  /** Of a file that is not empty, where something was written. */
  #turnBit({ disk }: Member<Definitions>): void {
    const files = [...disk.files()].filter(([, content]) => content.some((byte) => byte !== 0));
    if (files.length === 0) return;
    const [path, content] = this.#dice.oneOf(files);
    const end = content.findLastIndex((byte) => byte !== 0) + 1;
    disk.flipBit(path, this.#dice.below(end), this.#dice.below(8));
  }

  #fillDisk(member: Member<Definitions>): boolean {
    const { disk } = member;
    if (member.node === null || disk.crash !== null) return false;
    member.isTroubled = true;
    disk.limitSpace(disk.takenBytes + this.#dice.below(SPARE_BYTES));
    this.#cluster.host.simulation.after(this.#during(DISK_FULL_MS), () => disk.limitSpace(Infinity));
    return true;
  }

  #failDisk(member: Member<Definitions>): boolean {
    const { disk } = member;
    if (member.node === null || disk.crash !== null) return false;
    member.isTroubled = true;
    disk.failAt(disk.operations + 1 + this.#dice.below(OPERATIONS), this.#dice.oneOf(['EIO', 'ENOSPC']));
    return true;
  }

  #crashObjects({ node }: Member<Definitions>): boolean {
    if (node?.runtime === null || node === null || node.process.isFrozen) return false;
    node.crashObjects(this.#during(OBJECTS_AWAY_MS));
    return true;
  }

  /** How long something lasts, at the pace of the cluster. */
  #during([min, max]: readonly [min: number, max: number]): number {
    return this.#cluster.pace * this.#dice.between(min, max);
  }

  #names(): NodeId[] {
    return this.#cluster.members.map(idOf);
  }
}

/** An observer has another id in each life. */
function idOf<Definitions extends ObjectDefinitions>({ node, name }: Member<Definitions>): NodeId {
  return node?.networkId ?? name;
}

/**
 * What is worst for those who hold locks: their node is cut off from all others, or stands still just when its session
 * has been renewed and is cut off then, for longer than a session lasts; and its calendar is set while it knows of
 * nobody.
 */

import type { ClusterObserver, CommittedNews } from '../cluster-observer.js';
import type { RunContext } from '../cluster-run.js';
import type { Dice } from '../dice.js';
import { Partitions, waysAcross } from '../faults/partitions.js';
import { LOCKS } from '../objects/subject-objects.js';
import type { SimulationObjects } from '../objects/simulation-objects.js';
import type { Member } from '../member.js';
import type { SimulatedCluster } from '../simulated-cluster.js';

const EVERY_MS = [30, 500] as const;
/** In TTLs. */
const CUT_OFF = [1, 3] as const;
const STANDS_STILL = [0.1, 0.8] as const;
const CALENDAR_JUMP_MS = 10_000;
/** How many histories have any. */
const SHARE = 0.7;
/** How many renewals are followed by a standstill. */
const AT_RENEWALS = 0.02;

type Cluster = SimulatedCluster<SimulationObjects>;

export class HolderHazards implements ClusterObserver {
  readonly #context: RunContext<SimulationObjects>;
  readonly #dice: Dice;
  readonly #ttlMs: number;
  readonly #partitions: Partitions;
  /** By session: the node that it belongs to. */
  readonly #owners: string[] = [];
  #cluster: Cluster | null = null;
  #isOver: boolean;

  constructor(context: RunContext<SimulationObjects>, dice: Dice, ttlMs: number) {
    this.#context = context;
    this.#dice = dice;
    this.#ttlMs = ttlMs;
    this.#partitions = new Partitions(context.host.network, dice);
    this.#isOver = !dice.chance(SHARE);
  }

  begin(cluster: Cluster): void {
    if (this.#isOver) return;
    this.#cluster = cluster;
    const delayMs = cluster.pace * this.#dice.between(...EVERY_MS);
    this.#context.host.simulation.after(delayMs, () => {
      if (this.#isOver) return;
      const { running } = cluster;
      if (running.length > 0) this.#befall(cluster, this.#dice.oneOf(running));
      this.begin(cluster);
    });
  }

  committed({ commands }: CommittedNews): void {
    for (const { name, args } of commands) {
      if (name === `${LOCKS}.openSession`) this.#owners.push(args[0] as string);
      else if (name === `${LOCKS}.renew`) this.#onRenewed(this.#owners[(args[0] as number) - 1]!);
    }
  }

  #onRenewed(owner: string): void {
    const cluster = this.#cluster;
    const member = cluster?.running.find(({ name }) => name === owner);
    if (this.#isOver || cluster === null || member === undefined || !this.#dice.chance(AT_RENEWALS)) return;
    if (!member.node!.process.isFrozen) this.#standStill(cluster, member);
  }

  end(): void {
    this.#isOver = true;
    this.#partitions.healAll();
  }

  #befall(cluster: Cluster, member: Member<SimulationObjects>): void {
    const { host, trace } = this.#context;
    const { process } = member.node!;
    // Of one that was suspended only the calendar knows how long that was.
    if (this.#dice.chance(0.4) && !process.hasBeenSuspended) {
      const byMs = this.#dice.below(2 * CALENDAR_JUMP_MS) - CALENDAR_JUMP_MS;
      process.setCalendar(byMs);
      host.coverage.count('calendars set');
      trace?.add(member.name, `has its calendar set by ${byMs} ms`);
    }
    if (process.isFrozen || this.#dice.chance(0.7)) this.#cutOff(cluster, member);
    else this.#standStill(cluster, member);
  }

  #standStill(cluster: Cluster, member: Member<SimulationObjects>): void {
    const { host, trace } = this.#context;
    const { process } = member.node!;
    process.freeze();
    host.coverage.count('holders standing still');
    trace?.add(member.name, 'stands still');
    host.simulation.after(this.#ttlMs * this.#dice.between(...STANDS_STILL), () => {
      process.thaw();
      if (!this.#isOver) this.#cutOff(cluster, member);
    });
  }

  #cutOff(cluster: Cluster, { name, node }: Member<SimulationObjects>): void {
    const { host, trace } = this.#context;
    const ids = cluster.members.map((each) => each.node?.networkId ?? each.name);
    const own = node?.networkId ?? name;
    host.coverage.count('holders cut off');
    trace?.add(name, 'is cut off from all others');
    this.#partitions.block(waysAcross(new Set([own]), ids), this.#ttlMs * this.#dice.between(...CUT_OFF));
  }
}

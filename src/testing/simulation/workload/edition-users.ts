/**
 * Those who use an object whose code is replaced, and whoever replaces it: gives nodes newer code one by one, at times
 * older one again, asks for the later version before and after all have it, and now and then starts a node with code
 * that is too old.
 */

import { ConclaveError, type ErrorCode } from '../../../errors.js';
import { ExactlyOnceOracle } from '../../linearizability/exactly-once-oracle.js';
import { CodeVersions } from '../checkers/code-versions.js';
import type { RunContext, RunUsers } from '../cluster-run.js';
import type { Dice } from '../dice.js';
import { Partitions, waysAcross } from '../faults/partitions.js';
import { EDITIONS } from '../objects/simulation-edition.js';
import type { SimulationObjects } from '../objects/simulation-objects.js';
import { EDITION, LATER_SINCE } from '../objects/subject-objects.js';
import type { Member } from '../member.js';
import type { SimulatedCluster } from '../simulated-cluster.js';
import { EditionClient, editionOf, laterOf } from './edition-client.js';
import { UserCrowd } from './user-crowd.js';

const THINK_MS = [2, 40] as const;
const REPLACE_MS = [5, 120] as const;
const ASK_TIMEOUTS_MS = [60, 400, 3_000] as const;
/** When a node is cut off for the time in which all others are upgraded, and for how long. */
const SECLUDED_AFTER_MS = [20, 200] as const;
const SECLUDED_MS = [400, 700] as const;
const ASK_AGAIN_MS = 30;
const NEWEST = EDITIONS.length - 1;

/** What whoever raises the version may be told. */
const EXPECTED: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'ERR_CHANGE_REFUSED',
  'ERR_CHANGE_UNDER_WAY',
  'ERR_NO_LEADER',
  'ERR_STOPPED',
  'ERR_STORAGE',
  'ERR_STORAGE_CORRUPT',
  'ERR_TIMEOUT',
  'ERR_VERSION_UNSUPPORTED',
]);

type Cluster = SimulatedCluster<SimulationObjects>;

export class EditionUsers implements RunUsers<SimulationObjects> {
  readonly done = null;
  readonly #context: RunContext<SimulationObjects>;
  readonly #dice: Dice;
  readonly #crowd: UserCrowd;
  readonly #versions: CodeVersions;
  readonly #exactlyOnce = new ExactlyOnceOracle();
  /** Of the object that newer code brings. */
  readonly #laterOnce = new ExactlyOnceOracle();
  /** By node: the newest code that it has ever been started with, and that of its present life. */
  readonly #had = new Map<string, number>();
  readonly #has = new Map<string, number>();
  /** Who raises the version, and waits for that. */
  readonly #asking = new Set<Promise<void>>();
  /** Null: nobody is cut off for the sake of it. */
  readonly #seclusionDice: Dice | null;
  readonly #partitions: Partitions | null;
  /** Who is cut off from all others while they are upgraded. */
  #secluded: Member<SimulationObjects> | null = null;
  #ids = 0;
  #isOver = false;

  constructor(context: RunContext<SimulationObjects>, seclusionDice: Dice | null) {
    this.#seclusionDice = seclusionDice;
    this.#partitions = seclusionDice === null ? null : new Partitions(context.host.network, seclusionDice);
    const { host, checkers, violations, shape } = context;
    this.#context = context;
    this.#dice = host.dice.fork();
    const thinkMs = [shape.pace * THINK_MS[0], shape.pace * THINK_MS[1]] as const;
    this.#crowd = new UserCrowd(this.#dice.fork(), thinkMs, violations);
    this.#versions = new CodeVersions({
      object: EDITION,
      hadAtMost: () => this.#had,
      hasAtMost: (node) => this.#has.get(node) ?? 0,
      report: (promise, what) => violations.report(promise, what),
      count: (event) => host.coverage.count(event),
    });
    checkers.observe(this.#versions);
    checkers.states.leaveOut(EDITION);
  }

  starting({ name, build }: Member<SimulationObjects>): void {
    this.#has.set(name, build);
    this.#had.set(name, Math.max(build, this.#had.get(name) ?? 0));
  }

  begin(cluster: Cluster): void {
    cluster.codeVersion = () => this.#versions.inForce;
    this.#planNext(cluster);
    if (this.#seclusionDice === null) return;
    const afterMs = cluster.pace * this.#seclusionDice.between(...SECLUDED_AFTER_MS);
    this.#context.host.simulation.after(afterMs, () => void this.#seclude(cluster));
  }

  join({ node }: Member<SimulationObjects>, life: string): void {
    if (node === null || this.#crowd.isOver) return;
    const { host, violations } = this.#context;
    const client = new EditionClient({
      life,
      runtime: node.runtime!,
      dice: this.#dice.fork(),
      exactlyOnce: this.#exactlyOnce,
      laterOnce: this.#laterOnce,
      newId: () => `${life}#${(this.#ids += 1)}`,
      coverage: host.coverage,
      violations,
    });
    this.#crowd.join(node, () => client.act());
  }

  leave({ node }: Member<SimulationObjects>): void {
    this.#crowd.leave(node);
  }

  calmDown(): void {
    this.#isOver = true;
    this.#partitions?.healAll();
  }

  async end(): Promise<void> {
    await Promise.all([this.#crowd.end(), ...this.#asking]);
  }

  async judge({ belonging }: Cluster): Promise<void> {
    const { violations } = this.#context;
    const { runtime } = belonging.find(({ build }) => build >= LATER_SINCE) ?? belonging[0]!;
    const all = await editionOf(runtime!).all();
    const ids = all.map((entry) => entry.split(' ', 1)[0]!);
    const later = laterOf(runtime!);
    const judged = [
      ...this.#exactlyOnce.violationsOf(ids),
      ...this.#laterOnce.violationsOf(later === undefined ? [] : await later.all()),
    ];
    for (const { kind, explanation } of judged) violations.report(`exactly once (${kind})`, explanation);
  }

  #planNext(cluster: Cluster): void {
    const delayMs = cluster.pace * this.#dice.between(...REPLACE_MS);
    this.#context.host.simulation.after(delayMs, () => {
      if (this.#isOver) return;
      const { running } = cluster;
      if (running.length > 0) this.#act(cluster, this.#dice.oneOf(running));
      this.#planNext(cluster);
    });
  }

  #act(cluster: Cluster, member: Member<SimulationObjects>): void {
    const { inForce } = this.#versions;
    const dice = this.#dice;
    if (dice.chance(0.3)) return this.#ask(member);
    if (dice.chance(0.1)) return this.#replace(cluster, member, dice.below(NEWEST + 1));
    // Those who have not got it yet are upgraded first.
    const old = this.#old(cluster);
    if (old.length > 0) this.#replace(cluster, dice.oneOf(old), Math.min(NEWEST, inForce + 1 + dice.below(2)));
  }

  /** Those whom somebody could upgrade, and has not. */
  #old({ running }: Cluster): Member<SimulationObjects>[] {
    const { inForce } = this.#versions;
    return running.filter((each) => each.build <= inForce && each.build < NEWEST && each !== this.#secluded);
  }

  /**
   * Cuts one off from all others, upgrades these meanwhile, one after the other, and asks for the next version all the
   * time: whoever leads by then has never seen the one that is missing.
   */
  async #seclude(cluster: Cluster): Promise<void> {
    const { host, trace } = this.#context;
    const others = this.#old(cluster).filter((each) => each !== cluster.leader && !each.isObserver);
    const version = this.#versions.inForce + 1;
    if (this.#isOver || others.length === 0 || version > NEWEST) return;
    const secluded = this.#seclusionDice!.oneOf(others);
    this.#secluded = secluded;
    host.coverage.count('nodes cut off while the others are upgraded');
    trace?.add(secluded.name, 'is cut off while the others are upgraded');
    const ids = cluster.members.map((each) => each.node?.networkId ?? each.name);
    const forMs = cluster.pace * this.#seclusionDice!.between(...SECLUDED_MS);
    const untilMs = host.simulation.nowMs() + forMs;
    const heal = this.#partitions!.block(waysAcross(new Set([secluded.name]), ids), forMs);
    while (!this.#isOver && host.simulation.nowMs() < untilMs && this.#versions.inForce < version) {
      const [next] = this.#old(cluster);
      if (next !== undefined) await this.#upgrade(cluster, next, version);
      else if (cluster.leader !== undefined && cluster.leader !== secluded) this.#ask(cluster.leader);
      await host.sleep(cluster.pace * ASK_AGAIN_MS);
    }
    heal();
    this.#secluded = null;
  }

  async #upgrade(cluster: Cluster, member: Member<SimulationObjects>, build: number): Promise<void> {
    this.#context.host.coverage.count('nodes given newer code');
    await cluster.stop(member, () => {
      member.build = build;
    });
    await cluster.start(member);
  }

  /** Starts it again with other code: in order, or after it has died. */
  #replace(cluster: Cluster, member: Member<SimulationObjects>, build: number): void {
    if (member === this.#secluded) return;
    const { host, trace } = this.#context;
    const isOlder = build < member.build;
    host.coverage.count(isOlder ? 'nodes given older code' : 'nodes given newer code');
    trace?.add(member.name, `is to have code of version ${build}`);
    if (this.#dice.chance(0.3)) {
      cluster.kill(member, 'everything');
      member.build = build;
      return;
    }
    const stopped = cluster.stop(member, () => {
      member.build = build;
    });
    void stopped.then(() => cluster.start(member));
  }

  #ask(member: Member<SimulationObjects>): void {
    const asking = this.#raise(member);
    this.#asking.add(asking);
    void asking.finally(() => this.#asking.delete(asking));
  }

  async #raise({ name, runtime }: Member<SimulationObjects>): Promise<void> {
    const { host, violations, trace } = this.#context;
    const version = this.#dice.chance(0.1) ? this.#dice.below(NEWEST + 1) : this.#versions.inForce + 1;
    trace?.add(name, `is asked to bring version ${version} into force`);
    try {
      await runtime!.setCodeVersion(version, { timeoutMs: this.#dice.oneOf(ASK_TIMEOUTS_MS) });
      host.coverage.count('raises of the code version answered');
      if (this.#versions.inForce >= version && runtime!.codeVersion >= version) return;
      violations.report('code versions', `${name} was told that ${version} is in force: ${this.#versions.inForce} is`);
    } catch (error) {
      const code = error instanceof ConclaveError ? error.code : null;
      if (code !== null && EXPECTED.has(code)) host.coverage.count(`raises of the code version ended with ${code}`);
      else violations.report('errors', `whoever raises the version was told: ${String(error)}`);
    }
  }
}

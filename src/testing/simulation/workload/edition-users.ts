/**
 * Those who use an object whose code is replaced, and whoever replaces it: gives nodes newer code one by one, at times older one
 * again, asks for the later version before and after all have it, and now and then starts a node with code that is too old.
 */

import { ConclaveError, type ErrorCode } from '../../../errors.js';
import { ExactlyOnceOracle } from '../../linearizability/exactly-once-oracle.js';
import { CodeVersions } from '../checkers/code-versions.js';
import type { RunContext, RunUsers } from '../cluster-run.js';
import type { Dice } from '../dice.js';
import { EDITIONS } from '../objects/simulation-edition.js';
import type { SimulationObjects } from '../objects/simulation-objects.js';
import { EDITION, LATER_SINCE } from '../objects/subject-objects.js';
import type { Member, SimulatedCluster } from '../simulated-cluster.js';
import { EditionClient, editionOf, laterOf } from './edition-client.js';
import { UserCrowd } from './user-crowd.js';

const THINK_MS = [2, 40] as const;
const REPLACE_MS = [5, 120] as const;
const ASK_TIMEOUTS_MS = [60, 400, 3_000] as const;
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
  #ids = 0;
  #isOver = false;

  constructor(context: RunContext<SimulationObjects>) {
    const { host, checkers, violations, shape } = context;
    this.#context = context;
    this.#dice = host.dice.fork();
    const thinkMs = [shape.pace * THINK_MS[0], shape.pace * THINK_MS[1]] as const;
    this.#crowd = new UserCrowd(this.#dice.fork(), thinkMs, violations);
    this.#versions = new CodeVersions({
      object: EDITION,
      hadAtMost: () => this.#had,
      hasAtMost: (node) => this.#has.get(node) ?? 0,
      members: () => checkers.admitted.current?.electors ?? [],
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
    const old = cluster.running.filter(({ build }) => build <= inForce && build < NEWEST);
    if (old.length > 0) this.#replace(cluster, dice.oneOf(old), Math.min(NEWEST, inForce + 1 + dice.below(2)));
  }

  /** Starts it again with other code: in order, or after it has died. */
  #replace(cluster: Cluster, member: Member<SimulationObjects>, build: number): void {
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

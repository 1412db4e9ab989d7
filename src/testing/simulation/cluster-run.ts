/**
 * One history of one cluster: it is founded, lives through its mix of faults while others use it, and then, without
 * faults, must get well within a bounded time: every call ends, all nodes agree, and keep their leader. Who uses it,
 * and what they make of what they were told, is handed in.
 */

import type { CreatableClasses, ObjectDefinitions } from '../../actors/replicated/object-definition.js';
import { ConclaveError } from '../../errors.js';
import type { RuntimeStatus } from '../../node/status.js';
import { ClusterCheckers } from './cluster-checkers.js';
import type { ClusterShape } from './cluster-shape.js';
import type { Coverage } from './coverage.js';
import type { Dice } from './dice.js';
import { FaultInjector, Slowness } from './faults/fault-injector.js';
import { FAULTS, isPeaceful, type FaultMix } from './faults/fault-mix.js';
import { acrossRegions, Regions } from './faults/regions.js';
import { Operator, OPERATIONS } from './operator/operator.js';
import type { Placements } from './placements.js';
import { SimulatedCluster, type Builds, type ClusterUsers } from './simulated-cluster.js';
import { SimulatedHost } from './simulated-host.js';
import type { ClockError } from './simulated-process.js';
import { StepCounter } from './step-counter.js';
import { Trace } from './trace.js';
import { Violations, type Violation } from './violations.js';

/** What those who use a cluster are given. */
export interface RunContext<Definitions extends ObjectDefinitions> {
  readonly host: SimulatedHost<Definitions>;
  readonly checkers: ClusterCheckers;
  readonly violations: Violations;
  readonly trace: Trace | null;
  readonly shape: ClusterShape;
  /** Does nothing go wrong? */
  readonly isPeaceful: boolean;
}

/** Those who use a cluster, from its beginning to its end. */
export interface RunUsers<Definitions extends ObjectDefinitions> extends ClusterUsers<Definitions> {
  /** The cluster is founded, and things begin to go wrong. */
  begin(cluster: SimulatedCluster<Definitions>): void;
  /** From now on nothing may go wrong any more. */
  calmDown?(): void;
  /** Resolves when they have done what they wanted to do before the end; then nothing goes wrong any more. */
  readonly done: Promise<void> | null;
  /** All is well again. Resolves when everything that was begun has ended. */
  end(): Promise<void>;
  /** What is said of them when that does not come about. Default: that every call ends. */
  readonly endsWhen?: string;
  /** All nodes have the same. Looks at it, and reports what is not as it should be. */
  judge(cluster: SimulatedCluster<Definitions>): Promise<void>;
}

export interface ClusterRunOptions<Definitions extends ObjectDefinitions> {
  readonly dice: Dice;
  readonly objects: Definitions;
  /** Those that objects can be created of. Default: none. */
  readonly classes?: CreatableClasses;
  /** Default: all nodes have the same code for ever, which is that of `objects`. */
  readonly builds?: Builds<Definitions>;
  readonly shape: ClusterShape;
  readonly faults: FaultMix;
  /** How long things go wrong, of virtual time. */
  readonly durationMs: number;
  /** States are compared after every so many entries. */
  readonly lookEvery: number;
  /** Where nodes have their objects; null: all on one thread. */
  readonly placements: Placements | null;
  /** The clock of each node. Default: as the mix of faults has it. */
  readonly clock?: () => ClockError;
  /** Takes the lines of the trace; null: there is none. */
  readonly write: ((line: string) => void) | null;
  users(context: RunContext<Definitions>): RunUsers<Definitions>;
}

/** What has come of a history. */
export interface ClusterRunReport {
  /** Null: every promise was kept. */
  readonly violation: Violation | null;
  readonly virtualMs: number;
  /** How long it took after the faults until all was well; null: it never was. */
  readonly convergedAfterMs: number | null;
  readonly shape: ClusterShape;
  readonly faults: FaultMix;
  readonly coverage: Coverage;
}

/** Everything together, but for the time in which things go wrong. */
const TIMEOUT_MS = 300_000;
const CONVERGENCE_MS = 60_000;
/** Where nobody is patient, and each second of those who call holds more than elsewhere, for more is under way. */
const FAR_CONVERGENCE_MS = 15_000;
/** Founding takes all voters, who do not easily come together once there are faults. */
const FOUNDING_MS = 3_000;
const LOOK_EVERY_MS = 10;
/** A message that was sent while there were faults may come only now. */
const STRAGGLERS_MS = 200;
/** How long a quiet cluster is watched, in election timeouts: no election may be held. */
const WATCH_TIMEOUTS = 4;
const LOOKS = 2;

export class ClusterRun<Definitions extends ObjectDefinitions = ObjectDefinitions> {
  readonly #options: ClusterRunOptions<Definitions>;
  readonly #host: SimulatedHost<Definitions>;
  readonly #violations: Violations;
  readonly #checkers: ClusterCheckers;
  readonly #users: RunUsers<Definitions>;
  readonly #cluster: SimulatedCluster<Definitions>;
  readonly #faults: FaultInjector<Definitions>;
  /** Null: members stay who they are. */
  readonly #operator: Operator<Definitions> | null;
  #convergedAfterMs: number | null = null;

  constructor(options: ClusterRunOptions<Definitions>) {
    const { dice, objects, classes = {}, builds = null, faults, write } = options;
    const shape = faults.distance > 0 ? acrossRegions(options.shape) : options.shape;
    this.#options = { ...options, shape };
    const host = new SimulatedHost(dice.uint32(), objects, classes, builds?.objects);
    this.#host = host;
    const nowMs = (): number => host.simulation.nowMs();
    const trace = write === null ? null : new Trace(nowMs, write);
    this.#violations = new Violations(nowMs);
    const steps = new StepCounter(host.coverage, trace);
    this.#checkers = new ClusterCheckers(this.#violations, steps, options.lookEvery, null);
    host.network.witness = this.#checkers;
    host.network.weather.delayMs = shape.latencyMs;
    if (faults.distance > 0) {
      const onFar = (): void => host.coverage.count(FAULTS.distance.shows);
      host.network.wayMs = new Regions(faults.distance, shape, host.dice.fork(), onFar).wayMs;
    }
    this.#users = options.users({
      host,
      checkers: this.#checkers,
      violations: this.#violations,
      trace,
      shape,
      isPeaceful: isPeaceful(faults),
    });
    const slowness = new Slowness(faults, host.dice.fork(), (event) => host.coverage.count(event));
    this.#cluster = new SimulatedCluster({
      host,
      shape,
      objects,
      classes,
      checkers: this.#checkers,
      violations: this.#violations,
      trace,
      delays: slowness,
      users: this.#users,
      clock: options.clock ?? (() => slowness.clock()),
      placements: options.placements,
      builds,
    });
    this.#faults = new FaultInjector(this.#cluster, faults, slowness, trace);
    const [cluster, checkers, violations] = [this.#cluster, this.#checkers, this.#violations];
    const isOperated = OPERATIONS.some((name) => faults[name] > 0);
    this.#operator = isOperated ? new Operator({ cluster, checkers, violations, trace, rates: faults }) : null;
  }

  /** Never rejects: what goes wrong is in the report. */
  async run(): Promise<ClusterRunReport> {
    try {
      await this.#host.run(
        () => this.#live(),
        this.#options.durationMs + TIMEOUT_MS,
        () => this.#violations.first !== null,
      );
    } catch (error) {
      this.#violations.report('liveness', error instanceof Error ? (error.stack ?? error.message) : String(error));
    }
    return {
      violation: this.#violations.first,
      virtualMs: this.#host.simulation.nowMs(),
      convergedAfterMs: this.#convergedAfterMs,
      shape: this.#options.shape,
      faults: this.#options.faults,
      coverage: this.#host.coverage,
    };
  }

  async #live(): Promise<void> {
    const { simulation } = this.#host;
    void this.#cluster.startAll();
    // Callers of a cluster that is not founded may be refused, which is trouble, too.
    const isFoundedFirst = this.#options.dice.chance(0.85);
    if (isFoundedFirst || isPeaceful(this.#options.faults)) {
      await this.#until(() => this.#checkers.admitted.isFounded, FOUNDING_MS, 'the cluster is founded');
    }
    this.#faults.begin();
    this.#operator?.begin();
    this.#users.begin(this.#cluster);
    await this.#untilFaultsEnd();
    this.#faults.end();
    this.#operator?.end();
    this.#cluster.calmDown();
    this.#users.calmDown?.();
    const calmMs = simulation.nowMs();
    void this.#cluster.startAll();
    const isHasty = this.#options.faults.distance > 0 && this.#cluster.pace === 1;
    const endMs = calmMs + (isHasty ? FAR_CONVERGENCE_MS : CONVERGENCE_MS);
    const left = (): number => endMs - simulation.nowMs();
    await this.#host.sleep(STRAGGLERS_MS);
    await this.#until(() => this.#areWell(), left(), 'all nodes get well');
    this.#convergedAfterMs = simulation.nowMs() - calmMs;
    let hasEnded = false;
    void Promise.all([this.#users.end(), this.#operator?.settled()]).then(() => (hasEnded = true));
    await this.#until(() => hasEnded, left(), this.#users.endsWhen ?? 'every call ends');
    await this.#agree(left);
    await this.#until(() => this.#knowOfTheirRemoval(), left(), 'those who were removed know it');
    this.#operator?.judge();
    await this.#users.judge(this.#cluster);
    await this.#stayAsTheyAre();
    await this.#stopAll();
  }

  async #untilFaultsEnd(): Promise<void> {
    const over = this.#host.sleep(this.#options.durationMs);
    const { done } = this.#users;
    await (done === null ? over : Promise.race([over, done]));
  }

  async #agree(left: () => number): Promise<void> {
    await this.#until(() => this.#areWell(), left(), 'all nodes stay well');
    await this.#until(() => this.#haveAllApplied(), left(), 'all nodes apply the same');
    this.#checkers.states.lookAtAll();
  }

  /**
   * A quiet cluster keeps its leader. It may be quiet only at the second look: a connection may have held back what a
   * former leader said when it handed over, for as long as retransmissions take.
   */
  async #stayAsTheyAre(): Promise<void> {
    const terms = (): string => this.#cluster.belonging.map(({ runtime }) => runtime?.status().term).join();
    for (let look = 0; look < LOOKS; look++) {
      const before = terms();
      await this.#host.sleep(WATCH_TIMEOUTS * this.#options.shape.electionTimeoutMs[1]);
      if (terms() === before && this.#areWell()) return;
    }
    this.#violations.report('liveness', `a quiet cluster did not stay as it was: ${this.#describe()}`);
  }

  async #stopAll(): Promise<void> {
    for (const member of this.#cluster.members) {
      const { disk } = member;
      await this.#cluster.stop(member);
      if (disk.openFiles > 0) this.#violations.report('nothing is left', `${member.name} has left files open`);
    }
  }

  #areWell(): boolean {
    this.#cluster.noteStopped();
    this.#cluster.startNamed();
    const { current } = this.#checkers.admitted;
    // Changes that were begun are completed, whoever leads.
    if (current === null || current.isJoint || current.learners.length > 0) return false;
    const statuses = this.#statuses();
    if (statuses.some((status) => status?.health !== 'ok')) return false;
    return new Set(statuses.map((status) => status!.leader)).size === 1;
  }

  /** Of those who belong to the cluster. */
  #statuses(): readonly (RuntimeStatus | null)[] {
    return this.#cluster.belonging.map(({ runtime }) => runtime?.status() ?? null);
  }

  /** Whoever has no place in the cluster any more, and knows the leader's, has stopped, or is told so by its log. */
  #knowOfTheirRemoval(): boolean {
    this.#cluster.noteStopped();
    const leader = this.#cluster.leader?.name;
    return this.#cluster.members.every((member) => {
      const { runtime, name } = member;
      if (runtime === null || this.#cluster.belonging.includes(member)) return true;
      const { members, health } = runtime.status();
      const isOut = !members.some(({ id }) => id === name);
      return isOut || (health !== 'ok' && !members.some(({ id }) => id === leader));
    });
  }

  #haveAllApplied(): boolean {
    const statuses = this.#statuses();
    const lastIndex = statuses[0]?.lastIndex;
    return statuses.every((status) => status?.lastIndex === lastIndex && status?.appliedIndex === lastIndex);
  }

  async #until(condition: () => boolean, timeoutMs: number, what: string): Promise<void> {
    const { simulation } = this.#host;
    const untilMs = simulation.nowMs() + timeoutMs;
    while (!condition()) {
      if (simulation.nowMs() >= untilMs) {
        this.#violations.report('liveness', `${what}: not within ${Math.round(timeoutMs)} ms; ${this.#describe()}`);
        throw new ConclaveError('ERR_TIMEOUT', what);
      }
      await this.#host.sleep(LOOK_EVERY_MS);
    }
  }

  #describe(): string {
    const states = this.#cluster.members.map(({ name, node, runtime, lives, isRetired }) => {
      if (node === null) return `${name} is ${isRetired ? 'retired' : 'away'} in life ${lives}`;
      if (runtime === null) return `${name} starts its life ${lives}`;
      const { health, role, term, leader, lastIndex, commitIndex, appliedIndex, pendingCommands } = runtime.status();
      const log = `log to ${lastIndex}, committed ${commitIndex}, applied ${appliedIndex}`;
      return `${name} is ${health}: ${role} of ${leader} in term ${term}, ${log}, ${pendingCommands} calls wait`;
    });
    return `${states.join('; ')}; committed are ${this.#checkers.admitted.current?.words ?? 'nobody'}`;
  }
}

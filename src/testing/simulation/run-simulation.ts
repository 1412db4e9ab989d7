/**
 * One seed, one history: a cluster lives through its mix of faults while clients use it; then the faults end, and within a
 * bounded time all must be well, agree, and answer everything that was asked.
 */

import { ConclaveError } from '../../errors.js';
import { ClusterCheckers } from './cluster-checkers.js';
import { drawShape, type ClusterShape } from './cluster-shape.js';
import type { Coverage } from './coverage.js';
import { Dice } from './dice.js';
import { FaultInjector, Slowness } from './faults/fault-injector.js';
import { drawFaults, type FaultMix } from './faults/fault-mix.js';
import { SIMULATION_OBJECTS, type SimulationObjects } from './objects/simulation-objects.js';
import { SimulatedCluster, votersOf } from './simulated-cluster.js';
import { SimulatedHost } from './simulated-host.js';
import { StepCounter } from './step-counter.js';
import { Trace } from './trace.js';
import { Violations, type Violation } from './violations.js';
import { Workload } from './workload/workload.js';

export interface SimulationOptions {
  readonly members?: number;
  readonly faults?: FaultMix;
  /** How long things go wrong, of virtual time. Default: drawn. */
  readonly durationMs?: number;
  /** Takes the lines of the trace. */
  readonly write?: (line: string) => void;
}

export interface SimulationReport {
  readonly seed: number;
  /** Null: every promise was kept. */
  readonly violation: Violation | null;
  readonly virtualMs: number;
  /** How long it took after the faults until all was well; null: it never was. */
  readonly convergedAfterMs: number | null;
  readonly shape: ClusterShape;
  readonly faults: FaultMix;
  readonly coverage: Coverage;
}

/** Everything together: founding, faults, convergence. */
const TIMEOUT_MS = 120_000;
const CONVERGENCE_MS = 60_000;
/** Founding takes all voters, who do not easily come together once there are faults. */
const FOUNDING_MS = 3_000;
const DURATIONS_MS = [400, 800, 1_500] as const;
const LOOK_EVERY_MS = 10;
/** A message that was sent while there were faults may come only now. */
const STRAGGLERS_MS = 200;

class Simulation {
  readonly #seed: number;
  readonly #host: SimulatedHost<SimulationObjects>;
  readonly #violations: Violations;
  readonly #shape: ClusterShape;
  readonly #mix: FaultMix;
  readonly #durationMs: number;
  readonly #checkers: ClusterCheckers;
  readonly #workload: Workload;
  readonly #cluster: SimulatedCluster<SimulationObjects>;
  readonly #faults: FaultInjector<SimulationObjects>;
  readonly #dice: Dice;
  #convergedAfterMs: number | null = null;

  constructor(seed: number, options: SimulationOptions) {
    const dice = new Dice(seed);
    this.#seed = seed;
    this.#dice = dice;
    const host = new SimulatedHost(dice.uint32(), SIMULATION_OBJECTS);
    this.#host = host;
    const nowMs = (): number => host.simulation.nowMs();
    const trace = options.write === undefined ? null : new Trace(nowMs, options.write);
    const shape = drawShape(dice, options.members);
    this.#shape = shape;
    const drawn = drawFaults(dice);
    this.#mix = options.faults ?? drawn;
    const duration = dice.oneOf(DURATIONS_MS);
    this.#durationMs = options.durationMs ?? duration;
    this.#violations = new Violations(nowMs);
    this.#checkers = new ClusterCheckers(votersOf(shape), this.#violations, new StepCounter(host.coverage, trace));
    host.network.witness = this.#checkers;
    host.network.weather.delayMs = shape.latencyMs;
    this.#workload = new Workload(host, this.#violations, trace);
    const slowness = new Slowness(this.#mix, host.dice.fork(), (event) => host.coverage.count(event));
    this.#cluster = new SimulatedCluster({
      host,
      shape,
      objects: SIMULATION_OBJECTS,
      checkers: this.#checkers,
      violations: this.#violations,
      trace,
      delays: slowness,
      users: this.#workload,
      clock: () => slowness.clock(),
    });
    this.#faults = new FaultInjector(this.#cluster, this.#mix, slowness, trace);
  }

  async run(): Promise<SimulationReport> {
    try {
      await this.#host.run(
        () => this.#live(),
        TIMEOUT_MS,
        () => this.#violations.first !== null,
      );
    } catch (error) {
      this.#violations.report('liveness', error instanceof Error ? (error.stack ?? error.message) : String(error));
    }
    return {
      seed: this.#seed,
      violation: this.#violations.first,
      virtualMs: this.#host.simulation.nowMs(),
      convergedAfterMs: this.#convergedAfterMs,
      shape: this.#shape,
      faults: this.#mix,
      coverage: this.#host.coverage,
    };
  }

  async #live(): Promise<void> {
    const { simulation } = this.#host;
    void this.#cluster.startAll();
    if (this.#dice.chance(0.85)) await this.#until(() => this.#checkers.admitted.isFounded, FOUNDING_MS, 'founding');
    this.#faults.begin();
    await this.#host.sleep(this.#durationMs);
    this.#faults.end();
    this.#cluster.calmDown();
    const calmMs = simulation.nowMs();
    void this.#cluster.startAll();
    const left = (): number => calmMs + CONVERGENCE_MS - simulation.nowMs();
    await this.#host.sleep(STRAGGLERS_MS);
    await this.#until(() => this.#areWell(), left(), 'all nodes get well');
    this.#convergedAfterMs = simulation.nowMs() - calmMs;
    let hasEnded = false;
    void this.#workload.end().then(() => (hasEnded = true));
    await this.#until(() => hasEnded, left(), 'every call ends');
    await this.#agree(left());
    await this.#stopAll();
  }

  /** All have the same, and what they have is what clients were told. */
  async #agree(timeoutMs: number): Promise<void> {
    await this.#until(() => this.#areWell(), timeoutMs, 'all nodes stay well');
    const runtimes = this.#cluster.members.map(({ runtime }) => runtime!);
    await Promise.all(runtimes.map((runtime) => runtime.caughtUp({ timeoutMs })));
    const journals = await Promise.all(
      runtimes.map((runtime) => runtime.objects.journal.with({ consistency: 'local' }).all()),
    );
    const [journal, ...others] = journals;
    for (const [i, other] of others.entries()) {
      if (other.join() === journal!.join()) continue;
      const name = this.#cluster.members[i + 1]!.name;
      this.#violations.report('equal states', `in the end, the journal of ${name} is another one than that of the first`);
    }
    const { exactlyOnce, order } = this.#workload.histories;
    for (const { kind, explanation } of exactlyOnce.violationsOf(journal!)) {
      this.#violations.report(`exactly once (${kind})`, explanation);
    }
    for (const { kind, explanation } of order.violations) this.#violations.report(`order (${kind})`, explanation);
  }

  async #stopAll(): Promise<void> {
    for (const member of this.#cluster.members) {
      const { disk } = member;
      await this.#cluster.stop(member);
      if (disk.openFiles > 0) this.#violations.report('nothing is left', `${member.name} has left files open`);
    }
  }

  #areWell(): boolean {
    const statuses = this.#cluster.members.map(({ runtime }) => runtime?.status() ?? null);
    if (statuses.some((status) => status?.health !== 'ok')) return false;
    return new Set(statuses.map((status) => status!.leader)).size === 1;
  }

  async #until(condition: () => boolean, timeoutMs: number, what: string): Promise<void> {
    const { simulation } = this.#host;
    const untilMs = simulation.nowMs() + timeoutMs;
    while (!condition()) {
      if (simulation.nowMs() >= untilMs) {
        this.#violations.report('liveness', `${what}: not within ${timeoutMs} ms; ${this.#describe()}`);
        throw new ConclaveError('ERR_TIMEOUT', what);
      }
      await this.#host.sleep(LOOK_EVERY_MS);
    }
  }

  #describe(): string {
    const states = this.#cluster.members.map(({ name, node, runtime, lives }) => {
      if (node === null) return `${name} is away in life ${lives}`;
      if (runtime === null) return `${name} starts its life ${lives}`;
      const { health, role, term, leader, lastIndex, commitIndex, appliedIndex, pendingCommands } = runtime.status();
      const log = `log to ${lastIndex}, committed ${commitIndex}, applied ${appliedIndex}`;
      return `${name} is ${health}: ${role} of ${leader} in term ${term}, ${log}, ${pendingCommands} calls wait`;
    });
    return states.join('; ');
  }
}

/** Runs one seed. Rejects never: what goes wrong is in the report. */
export function runSimulation(seed: number, options: SimulationOptions = {}): Promise<SimulationReport> {
  return new Simulation(seed, options).run();
}

/**
 * Those who use a simulated cluster that is there to test Conclave itself: on each node clients, and one who has
 * snapshots taken and leadership handed over. In the end, all that they were told is judged.
 */

import { ConclaveError, type ErrorCode } from '../../../errors.js';
import type { Coverage } from '../coverage.js';
import type { Dice } from '../dice.js';
import type { SimulationObjects } from '../objects/simulation-objects.js';
import type { RunContext, RunUsers } from '../cluster-run.js';
import type { Member } from '../member.js';
import type { SimulatedCluster } from '../simulated-cluster.js';
import type { SimulatedHost } from '../simulated-host.js';
import type { SimulatedNode } from '../simulated-node.js';
import type { Trace } from '../trace.js';
import type { Violations } from '../violations.js';
import { Client, KEYS } from './client.js';
import { Histories } from './histories.js';
import { judgeHistories } from './linearizable.js';

/** What an operator may be told while things go wrong. */
const EXPECTED: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'ERR_COMPACTION_FAILED',
  'ERR_NO_LEADER',
  'ERR_STOPPED',
  'ERR_STORAGE',
  'ERR_STORAGE_CORRUPT',
  'ERR_TIMEOUT',
  'ERR_TRANSFER_FAILED',
  'ERR_VERSION_UNSUPPORTED',
]);

const CLIENTS = [1, 1, 2, 2, 6] as const;
const THINK_MS = [
  [2, 20],
  [5, 60],
  [20, 120],
] as const;
/** How often a reader looks: more often than a leader that was deposed takes to hear of it. */
const PEEK_MS = [0.5, 4] as const;
const GLANCE_MS = [1, 10] as const;
const OPERATE_MS = [
  [20, 120],
  [50, 400],
  [200, 2_000],
] as const;

type Node = SimulatedNode<SimulationObjects>;

export class Workload implements RunUsers<SimulationObjects> {
  /** Clients go on until the end. */
  readonly done = null;
  readonly histories = new Histories();
  readonly #host: SimulatedHost<SimulationObjects>;
  readonly #violations: Violations;
  readonly #trace: Trace | null;
  readonly #dice: Dice;
  readonly #clients: number;
  readonly #thinkMs: readonly [number, number];
  readonly #operateMs: readonly [number, number];
  /** Is there one who looks at what is here all the time? */
  readonly #hasGlances: boolean;
  readonly #pace: number;
  readonly #used = new Set<Node>();
  /** What is being done. */
  readonly #acts = new Set<Promise<void>>();
  #isOver = false;

  constructor({ host, violations, trace, shape }: RunContext<SimulationObjects>) {
    this.#host = host;
    this.#violations = violations;
    this.#trace = trace;
    this.#pace = shape.pace;
    this.#dice = host.dice.fork();
    this.#clients = this.#dice.oneOf(CLIENTS);
    this.#thinkMs = this.#dice.oneOf(THINK_MS);
    this.#operateMs = this.#dice.oneOf(OPERATE_MS);
    this.#hasGlances = this.#dice.chance(0.3);
  }

  /** Clients come with their nodes. */
  begin(): void {}

  join(member: Member<SimulationObjects>, life: string): void {
    const { node } = member;
    if (node === null || this.#isOver) return;
    this.#used.add(node);
    for (let i = 1; i <= this.#clients; i++) {
      const client = this.#clientOf(node, life, `${life}.${i}`);
      this.#begin(node, () => client.act());
    }
    // Where clients think for long, there is room for one who only looks.
    if (this.#thinkMs === THINK_MS[2]) {
      const reader = this.#clientOf(node, life, `${life}.reader`);
      this.#begin(node, () => reader.peek(), PEEK_MS);
    }
    if (this.#hasGlances) {
      const reader = this.#clientOf(node, life, `${life}.onlooker`);
      this.#begin(node, () => reader.glance(), GLANCE_MS);
    }
    this.#begin(node, () => this.#operate(node), this.#operateMs);
  }

  leave({ node }: Member<SimulationObjects>): void {
    if (node !== null) this.#used.delete(node);
  }

  /** Nobody begins anything new. */
  async end(): Promise<void> {
    this.#isOver = true;
    this.#used.clear();
    await Promise.all(this.#acts);
  }

  /** All that clients were told is as it should be, given what the objects hold in the end. */
  async judge({ belonging }: SimulatedCluster<SimulationObjects>): Promise<void> {
    const { objects } = belonging[0]!.runtime!;
    const { exactlyOnce, order, journal, counter, lock, map, register } = this.histories;
    const by = 'the end';
    const all = await objects.journal.all();
    journal.answered(journal.call(by, ['all']), all);
    counter.answered(counter.call(by, ['get']), await objects.counter.get());
    lock.answered(lock.call(by, ['holder']), await objects.lock.holder());
    register.answered(register.call(by, ['read']), await objects.register.read());
    for (const key of KEYS) map.answered(map.call(by, ['get', key]), await objects.map.get(key));
    for (const { kind, explanation } of exactlyOnce.violationsOf(all)) {
      this.#violations.report(`exactly once (${kind})`, explanation);
    }
    for (const { kind, explanation } of order.violations) this.#violations.report(`order (${kind})`, explanation);
    judgeHistories(this.histories, this.#violations, this.#coverage);
  }

  #clientOf(node: Node, life: string, name: string): Client {
    return new Client({
      name,
      life,
      runtime: node.runtime!,
      process: node.process,
      dice: this.#dice.fork(),
      histories: this.histories,
      coverage: this.#coverage,
      violations: this.#violations,
      trace: this.#trace,
    });
  }

  get #coverage(): Coverage {
    return this.#host.coverage;
  }

  #begin(node: Node, act: () => Promise<void>, everyMs = this.#thinkMs): void {
    const use = async (): Promise<void> => {
      await this.#sleep(node, everyMs);
      while (this.#used.has(node)) {
        const acting = act();
        this.#acts.add(acting);
        await acting.finally(() => this.#acts.delete(acting));
        await this.#sleep(node, everyMs);
      }
    };
    use().catch((error: unknown) => this.#violations.report('errors', `a client ended: ${String(error)}`));
  }

  #sleep({ process }: Node, [min, max]: readonly [number, number]): Promise<void> {
    return new Promise((resolve) => void process.after(this.#pace * this.#dice.between(min, max), resolve));
  }

  async #operate({ runtime }: Node): Promise<void> {
    try {
      if (this.#dice.chance(0.5)) await runtime!.compact();
      else if (runtime!.status().role === 'leader') await runtime!.transferLeadership();
    } catch (error) {
      if (error instanceof ConclaveError && EXPECTED.has(error.code))
        this.#coverage.count(`operators told ${error.code}`);
      else this.#violations.report('errors', `an operator was told: ${String(error)}`);
    }
  }
}

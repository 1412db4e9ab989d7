/**
 * Those who hold an election in a simulated cluster: candidates and observers on each node, and what befalls those who
 * lead. In the end all stand at once: one is elected, all who observe are told so, and when it steps down another one
 * follows, until nobody is left.
 */

import { ElectedLeaders } from '../checkers/elected-leaders.js';
import { HeldLocks } from '../checkers/held-locks.js';
import type { RunContext, RunUsers } from '../cluster-run.js';
import type { Dice } from '../dice.js';
import type { SimulationObjects } from '../objects/simulation-objects.js';
import type { Member } from '../member.js';
import type { SimulatedCluster } from '../simulated-cluster.js';
import type { SimulatedNode } from '../simulated-node.js';
import { ELECTION, ElectionCandidate } from './election-candidate.js';
import { ElectionObserver } from './election-observer.js';
import { HolderHazards } from './holder-hazards.js';
import { drawTtlMs, LOOK_EVERY_MS, SPARE_MS, thinkMsAt } from './holding-times.js';
import { UserCrowd } from './user-crowd.js';

type Node = SimulatedNode<SimulationObjects>;

const CANDIDATES = [1, 1, 2] as const;

export class ElectionUsers implements RunUsers<SimulationObjects> {
  readonly done = null;
  readonly leaders: ElectedLeaders;
  readonly #context: RunContext<SimulationObjects>;
  readonly #dice: Dice;
  readonly #ttlMs: number;
  readonly #count: number;
  readonly #hazards: HolderHazards;
  readonly #held: HeldLocks;
  readonly #crowd: UserCrowd;
  readonly #candidates = new Map<Node, readonly ElectionCandidate[]>();
  readonly #observers = new Map<Node, ElectionObserver>();
  readonly #watching: Promise<void>[] = [];
  #isOver = false;

  constructor(context: RunContext<SimulationObjects>) {
    const { host, checkers, violations, shape } = context;
    this.#context = context;
    this.#dice = host.dice.fork();
    this.#ttlMs = drawTtlMs(this.#dice, shape.pace);
    this.#count = this.#dice.oneOf(CANDIDATES);
    this.#hazards = new HolderHazards(context, this.#dice.fork(), this.#ttlMs);
    const report = (promise: string, what: string): void => violations.report(promise, what);
    this.#crowd = new UserCrowd(this.#dice.fork(), thinkMsAt(shape.pace), violations);
    this.#held = new HeldLocks(report);
    this.leaders = new ElectedLeaders(`election/${ELECTION}`, report);
    checkers.observe(this.#hazards);
  }

  begin(cluster: SimulatedCluster<SimulationObjects>): void {
    this.#look();
    if (!this.#context.isPeaceful) this.#hazards.begin(cluster);
  }

  calmDown(): void {
    this.#hazards.end();
  }

  join({ node }: Member<SimulationObjects>, life: string): void {
    if (node === null || this.#isOver) return;
    const names = Array.from({ length: this.#count }, (_, i) => `${life}.candidate${i + 1}`);
    const candidates = names.map((name) => this.#candidate(node, name));
    this.#candidates.set(node, candidates);
    if (!this.#crowd.isOver) for (const candidate of candidates) this.#crowd.join(node, () => candidate.act());
    const { host, violations } = this.#context;
    const observer = new ElectionObserver({
      name: `${life}.onlooker`,
      node,
      ttlMs: this.#ttlMs,
      dice: this.#dice.fork(),
      leaders: this.leaders,
      coverage: host.coverage,
      violations,
    });
    this.#observers.set(node, observer);
    this.#watching.push(observer.watch());
  }

  leave({ node }: Member<SimulationObjects>): void {
    this.#crowd.leave(node);
    if (node === null) return;
    for (const candidate of this.#candidates.get(node) ?? []) candidate.leave();
    this.#observers.get(node)?.close();
    this.#candidates.delete(node);
    this.#observers.delete(node);
  }

  async end(): Promise<void> {
    const ended = this.#crowd.end();
    for (const candidate of [...this.#candidates.values()].flat()) candidate.stop();
    await ended;
  }

  /** All stand, and step down one after the other. */
  async judge({ belonging }: SimulatedCluster<SimulationObjects>): Promise<void> {
    const nodes = belonging.map(({ node }) => node!);
    const candidates = nodes.map((node, i) => this.#candidate(node, `the last candidate ${i + 1}`));
    const standing = candidates.map((candidate) => candidate.actUntilStopped());
    const left = new Set(candidates);
    while (left.size > 0) {
      const leader = await this.#allAgree([...left], nodes);
      if (leader === null) break;
      leader.stop();
      left.delete(leader);
    }
    for (const candidate of left) candidate.stop();
    await Promise.all(standing);
    if (left.size === 0) await this.#until(() => this.#areTold(nodes, null), 'all who observe are told of nobody');
    this.#isOver = true;
    for (const observer of this.#observers.values()) observer.close();
    await Promise.all(candidates.map((candidate) => candidate.close()));
    await Promise.all(this.#watching);
  }

  /** Who leads, once that is so and all know; null: that was not within a bounded time. */
  async #allAgree(standing: readonly ElectionCandidate[], nodes: readonly Node[]): Promise<ElectionCandidate | null> {
    let leader: ElectionCandidate | undefined;
    const isSettled = (): boolean => {
      leader = standing.find(({ leads }) => leads !== null);
      return leader !== undefined && this.#areTold(nodes, leader.leads);
    };
    const isAgreed = await this.#until(isSettled, `one of ${standing.length} leads, and all who observe are told so`);
    return isAgreed ? leader! : null;
  }

  /** Are those told so who observe on these nodes? */
  #areTold(nodes: readonly Node[], leads: ElectionCandidate['leads']): boolean {
    return nodes.every((node) => {
      const leader = this.#observers.get(node)?.leader ?? null;
      if (leader === null || leads === null) return leader === leads;
      return leader.token === leads.token && leader.proclaimed >= leads.proclaimed;
    });
  }

  async #until(condition: () => boolean, what: string): Promise<boolean> {
    const { host, violations } = this.#context;
    const timeoutMs = 3 * this.#ttlMs + SPARE_MS;
    const untilMs = host.simulation.nowMs() + timeoutMs;
    while (!condition()) {
      if (host.simulation.nowMs() >= untilMs) {
        violations.report('elections converge', `${what}: not within ${timeoutMs} ms`);
        return false;
      }
      await host.sleep(LOOK_EVERY_MS);
    }
    return true;
  }

  #candidate(node: Node, name: string): ElectionCandidate {
    const { host, violations, trace } = this.#context;
    return new ElectionCandidate({
      name,
      node,
      ttlMs: this.#ttlMs,
      dice: this.#dice.fork(),
      leaders: this.leaders,
      held: this.#held,
      coverage: host.coverage,
      violations,
      trace,
    });
  }

  #look(): void {
    if (this.#isOver) return;
    this.#held.look();
    this.leaders.look();
    this.#context.host.simulation.after(LOOK_EVERY_MS, () => this.#look());
  }
}

/**
 * One who observes the election of a simulated cluster, in the process of one node: reads at once or slowly, leaves and
 * comes back, and goes on until its node ends or it is closed.
 */

import { ConclaveError, type ErrorCode } from '../../../errors.js';
import type { Leader } from '../../../sync/leader-feed.js';
import { raft } from '../../../sync/raft.js';
import { connect } from '../../../sync/sync.js';
import { Onlooker, type ElectedLeaders, type Sighting } from '../checkers/elected-leaders.js';
import type { Coverage } from '../coverage.js';
import type { Dice } from '../dice.js';
import type { SimulationObjects } from '../objects/simulation-objects.js';
import type { SimulatedNode } from '../simulated-node.js';
import type { Violations } from '../violations.js';
import { ELECTION } from './election-candidate.js';
import { PASSING_ERRORS } from './passing-errors.js';

export interface ElectionObserverParts {
  readonly name: string;
  readonly node: SimulatedNode<SimulationObjects>;
  readonly ttlMs: number;
  readonly dice: Dice;
  readonly leaders: ElectedLeaders;
  readonly coverage: Coverage;
  readonly violations: Violations;
}

const EXPECTED: ReadonlySet<ErrorCode> = new Set<ErrorCode>([...PASSING_ERRORS, 'ERR_ABORTED']);
const COMES_BACK_MS = [1, 40] as const;
/** How many leaders it reads slowly, and after how many it leaves. */
const SLOWLY = 0.2;
const LEAVES = 0.05;

export class ElectionObserver {
  readonly node: SimulatedNode<SimulationObjects>;
  readonly #parts: ElectionObserverParts;
  readonly #closing = new AbortController();
  /** Of all that it has been told in this life of its node, however often it has come back. */
  readonly #onlooker: Onlooker;
  /** Null: nobody leads. */
  #leader: Sighting | null = null;

  constructor(parts: ElectionObserverParts) {
    this.node = parts.node;
    this.#parts = parts;
    this.#onlooker = new Onlooker(parts.name);
  }

  /** Who leads, as it was told last. */
  get leader(): Sighting | null {
    return this.#leader;
  }

  close(): void {
    this.#closing.abort();
  }

  /** Resolves when it is closed, or its node has ended. */
  async watch(): Promise<void> {
    const { dice, name, coverage, violations } = this.#parts;
    while (!this.#isOver) {
      try {
        await this.#observe();
      } catch (error) {
        if (this.#isOver) return;
        if (error instanceof ConclaveError && EXPECTED.has(error.code)) coverage.count('observers ended');
        else violations.report('errors', `${name} was told of an election: ${String(error)}`);
      }
      await this.#sleep(dice.between(...COMES_BACK_MS));
    }
  }

  async #observe(): Promise<void> {
    const { dice, name, node, ttlMs } = this.#parts;
    const sync = await connect(raft(node.runtime!));
    const election = sync.election(ELECTION, { id: name });
    for await (const leader of election.observe({ signal: this.#closing.signal })) {
      if (this.#isOver) return;
      this.#hear(leader);
      if (dice.chance(SLOWLY)) await this.#sleep(dice.between(0, ttlMs));
      if (dice.chance(LEAVES)) return;
    }
  }

  #hear(leader: Leader | null): void {
    const { leaders, coverage } = this.#parts;
    coverage.count(leader === null ? 'observers told of nobody' : 'observers told of a leader');
    this.#leader = leader === null ? null : { ...leader, proclaimed: leader.value as number };
    if (this.#leader !== null) leaders.heard(this.#onlooker, this.#leader);
  }

  get #isOver(): boolean {
    return this.#closing.signal.aborted || this.node.isKilled;
  }

  #sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => void this.node.process.after(delayMs, resolve));
  }
}

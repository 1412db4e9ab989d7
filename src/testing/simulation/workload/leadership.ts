/**
 * One time of leading in a simulated cluster, as those who watch over it look at it: by the clocks of the one who
 * leads.
 */

import type { Term } from '../../../sync/election.js';
import type { Stint } from '../checkers/elected-leaders.js';
import type { Holding } from '../checkers/held-locks.js';
import type { SimulatedNode } from '../simulated-node.js';
import type { SimulationObjects } from '../objects/simulation-objects.js';

/** Until when it leads at least, by both clocks, as long as nobody has set the calendar since. */
interface Deadline {
  readonly monotonicMs: number;
  readonly wallMs: number;
  readonly calendarJumps: number;
}

/** What whoever leads is given, by `run` or by `campaign`. */
type Led = Pick<Term, 'token' | 'signal' | 'held' | 'expiresInMs'>;

export class Leadership implements Stint {
  readonly token: bigint;
  readonly leader: string;
  readonly #node: SimulatedNode<SimulationObjects>;
  readonly #term: Led;
  /** Null: nobody has asked it to step down. */
  #deadline: Deadline | null = null;
  /** Has its work settled? */
  isSettled = false;
  /** Does its node end? Then all that it holds does. */
  isEnding = false;

  constructor(leader: string, node: SimulatedNode<SimulationObjects>, term: Led) {
    this.leader = leader;
    this.token = term.token;
    this.#node = node;
    this.#term = term;
  }

  /** Said just before it is asked to. */
  stepsDown(): void {
    const { process } = this.#node;
    const { expiresInMs } = this.#term;
    this.#deadline ??= {
      monotonicMs: process.nowMs() + expiresInMs,
      wallMs: process.wallMs() + expiresInMs,
      calendarJumps: process.calendarJumps,
    };
  }

  isAwake(): boolean {
    return !this.#node.isKilled && !this.#node.process.isFrozen;
  }

  isHeld(): boolean {
    return this.#term.held;
  }

  isTold(): boolean {
    return this.#term.signal.aborted;
  }

  couldLead(): boolean {
    if (this.#node.isKilled || this.isEnding) return false;
    if (this.#deadline === null) return !this.isTold();
    const { process } = this.#node;
    const { monotonicMs, wallMs, calendarJumps } = this.#deadline;
    const isInTime = process.nowMs() < monotonicMs && process.wallMs() < wallMs;
    return isInTime && process.calendarJumps === calendarJumps;
  }

  /** As something that one may hold. */
  asHolding(name: string): Holding {
    return {
      name,
      of: 1,
      permits: 1,
      token: this.token,
      holder: this.leader,
      isBelieving: () => this.isAwake() && this.isHeld(),
      isOver: () => this.isSettled || this.#node.isKilled,
    };
  }
}

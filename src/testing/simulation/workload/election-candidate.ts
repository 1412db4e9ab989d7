/**
 * One who stands for election in a simulated cluster, in the process of one node: leads for a while, by `run` or by
 * `campaign`, proclaims what it does, and takes its time to come to an end when it is told to.
 */

import { ConclaveError, type ErrorCode } from '../../../errors.js';
import type { Election, Term } from '../../../sync/election.js';
import { pause } from '../../../sync/pause.js';
import { raft } from '../../../sync/raft.js';
import { connect, type Sync } from '../../../sync/sync.js';
import type { ElectedLeaders, Sighting } from '../checkers/elected-leaders.js';
import type { HeldLocks } from '../checkers/held-locks.js';
import type { Coverage } from '../coverage.js';
import type { Dice } from '../dice.js';
import type { SimulationObjects } from '../objects/simulation-objects.js';
import type { SimulatedNode } from '../simulated-node.js';
import type { Trace } from '../trace.js';
import type { Violations } from '../violations.js';
import { Leadership } from './leadership.js';
import { PASSING_ERRORS } from './passing-errors.js';

export interface CandidateParts {
  readonly name: string;
  readonly node: SimulatedNode<SimulationObjects>;
  readonly ttlMs: number;
  readonly dice: Dice;
  readonly leaders: ElectedLeaders;
  readonly held: HeldLocks;
  readonly coverage: Coverage;
  readonly violations: Violations;
  readonly trace: Trace | null;
}

type LeadTerm = Pick<Term, 'token' | 'signal' | 'held' | 'expiresInMs' | 'proclaim'>;

/** What ends `run` while things go wrong: what passes is not for its caller to see. */
const ENDING: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'ERR_STOPPED',
  'ERR_STORAGE',
  'ERR_STORAGE_CORRUPT',
  'ERR_VERSION_UNSUPPORTED',
]);
/** What leaders may be told of what they proclaim. */
const NOT_PROCLAIMED: ReadonlySet<ErrorCode> = new Set<ErrorCode>([...PASSING_ERRORS, 'ERR_LOCK_LOST']);
/** The only election there is. */
export const ELECTION = 'chair';
/** All in TTLs. */
const STANDS = [0.5, 6] as const;
const LEADS = [0.1, 3] as const;
const ENDS = [0, 0.5] as const;
const PROCLAIMS = [0.05, 0.8] as const;

export class ElectionCandidate {
  readonly #parts: CandidateParts;
  #sync: Promise<Sync> | null = null;
  /** While it stands by `run`. */
  #stopping: AbortController | null = null;
  #leadership: Leadership | null = null;
  /** What it has proclaimed last, as it was answered. */
  #proclaimed = 0;
  /** Has its work ended of its own accord, while it led? */
  #hasReturned = false;

  constructor(parts: CandidateParts) {
    this.#parts = parts;
  }

  /** How it leads, as all are to know; null: it does not. */
  get leads(): Pick<Sighting, 'token' | 'proclaimed'> | null {
    if (this.#leadership?.isHeld() !== true) return null;
    return { token: this.#leadership.token, proclaimed: this.#proclaimed };
  }

  /** Resolves when it has led and does not stand any more, or has given up. */
  async act(): Promise<void> {
    const { dice } = this.#parts;
    if (dice.chance(0.7)) await this.#stand(ENDING, (election) => this.#runFor(election));
    else await this.#stand(PASSING_ERRORS, (election) => this.#campaign(election));
    if (dice.chance(0.1)) await this.close();
  }

  /** Leads whenever it can, until it is stopped. */
  actUntilStopped(): Promise<void> {
    return this.#stand(ENDING, (election) => this.#run(election, Infinity));
  }

  /** If it stands by `run`, it is to stand no more, and if it leads, to step down. */
  stop(): void {
    if (this.#stopping === null) return;
    this.#leadership?.stepsDown();
    this.#stopping.abort();
  }

  /** Its node is about to end. */
  leave(): void {
    if (this.#leadership !== null) this.#leadership.isEnding = true;
  }

  async close(): Promise<void> {
    const sync = this.#sync;
    this.#sync = null;
    await (await sync)?.close();
  }

  async #stand(expected: ReadonlySet<ErrorCode>, how: (election: Election) => Promise<void>): Promise<void> {
    const { node, name, ttlMs, coverage, violations, trace } = this.#parts;
    try {
      this.#sync ??= connect(raft(node.runtime!));
      const sync = await this.#sync;
      await how(sync.election(ELECTION, { id: name, value: 0, ttlMs }));
    } catch (error) {
      if (error instanceof ConclaveError && expected.has(error.code)) {
        coverage.count(`candidates ended with ${error.code}`);
        trace?.add(name, `stands no more, by ${error.code}`);
      } else violations.report('errors', `${name} was told of an election: ${String(error)}`);
    }
  }

  async #runFor(election: Election): Promise<void> {
    const { dice, node, ttlMs } = this.#parts;
    const timer = node.process.after(dice.between(...STANDS) * ttlMs, () => this.stop());
    try {
      await this.#run(election, dice.between(...LEADS) * ttlMs);
    } finally {
      timer.cancel();
    }
  }

  async #run(election: Election, forMs: number): Promise<void> {
    const { name, node, dice, violations } = this.#parts;
    const stopping = new AbortController();
    this.#stopping = stopping;
    this.#hasReturned = false;
    try {
      const lead = async (term: Term): Promise<void> => {
        await this.#lead(term, forMs);
        // That is no error of its own.
        if (dice.chance(0.3)) term.signal.throwIfAborted();
      };
      await election.run(lead, { signal: stopping.signal });
    } finally {
      this.#stopping = null;
    }
    if (stopping.signal.aborted || this.#hasReturned || node.isKilled) return;
    violations.report('leaders campaign again', `${name} stands no more, and nobody has asked it to step down`);
  }

  async #campaign(election: Election): Promise<void> {
    const { dice, node, ttlMs } = this.#parts;
    const leading = await election.campaign({ timeoutMs: 1 + dice.below(6 * ttlMs) });
    if (node.isKilled) return;
    await this.#lead(leading, dice.between(...LEADS) * ttlMs);
    await leading.resign();
  }

  async #lead(term: LeadTerm, forMs: number): Promise<void> {
    const { name, node, leaders, held, dice, ttlMs, coverage, trace } = this.#parts;
    if (node.isKilled) return;
    coverage.count('candidates elected');
    trace?.add(name, `leads by ${term.token}`);
    const leadership = new Leadership(name, node, term);
    this.#leadership = leadership;
    this.#proclaimed = 0;
    if (this.#stopping?.signal.aborted === true) leadership.stepsDown();
    leaders.began(leadership);
    held.granted(leadership.asHolding(ELECTION), 0n);
    await this.#work(term, forMs);
    if (term.signal.aborted) {
      coverage.count('candidates told to come to an end');
      // Whatever it is at takes a while.
      await this.#sleep(dice.between(...ENDS) * ttlMs);
    } else this.#hasReturned = true;
    trace?.add(name, `has done with leading by ${term.token}`);
    leadership.isSettled = true;
    leaders.settled(leadership);
    this.#leadership = null;
  }

  /** Until it is told to come to an end, or has had enough. */
  async #work(term: LeadTerm, forMs: number): Promise<void> {
    const { dice, node, ttlMs } = this.#parts;
    const { process } = node;
    const untilMs = process.nowMs() + forMs;
    for (let proclaimed = 1; !term.signal.aborted && !node.isKilled; proclaimed++) {
      const leftMs = untilMs - process.nowMs();
      if (leftMs <= 0) return;
      await this.#proclaim(term, proclaimed);
      await this.#sleep(Math.min(leftMs, dice.between(...PROCLAIMS) * ttlMs), term.signal);
    }
  }

  async #proclaim(term: LeadTerm, what: number): Promise<void> {
    const { name, coverage, violations } = this.#parts;
    try {
      await term.proclaim(what);
      this.#proclaimed = what;
      coverage.count('candidates proclaimed something');
    } catch (error) {
      if (error instanceof ConclaveError && NOT_PROCLAIMED.has(error.code)) return;
      violations.report('errors', `${name} was told of what it proclaims: ${String(error)}`);
    }
  }

  #sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    const { process } = this.#parts.node;
    return pause({ clock: process, after: (ms, run) => process.after(ms, run) }, delayMs, signal);
  }
}

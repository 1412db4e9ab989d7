/**
 * An election in the shape that Metaparticle's clients have: two functions, one to lead and one to stop. On the
 * caller's thread.
 */

import { hostname } from 'node:os';
import { aborted } from '../aborted.js';
import type { Election as NamedElection, Term } from '../election.js';
import { checkKnown, invalid } from '../option-checks.js';
import { syncOf, type Connection } from './connection.js';

/** How to stand in an election. */
export interface ElectionOptions {
  /** Default: the sidecar at `http://localhost:13131`. */
  readonly connection?: Connection;
  /**
   * Who this is, for those who observe the election by `conclave/sync`. Default: the name of the host, and the process.
   */
  readonly id?: string;
  /** A leader that is not heard of for this long has lost, in milliseconds. Default: 15,000. */
  readonly ttlMs?: number;
}

/**
 * An election, and one who stands in it, from `run` until `shutdown`.
 *
 * @example
 * import { Election } from 'conclave/sync/metaparticle';
 *
 * let timer: NodeJS.Timeout;
 * const election = new Election(
 *   'scheduler',
 *   (term) => (timer = setInterval(() => console.log('leads', term.token), 1_000)),
 *   () => clearInterval(timer),
 * );
 * process.once('SIGTERM', () => election.shutdown());
 * await election.run();
 */
export class Election {
  readonly name: string;
  readonly #election: NamedElection;
  readonly #onElected: (term: Term) => unknown;
  readonly #onLost: () => unknown;
  /** Of `run`; null: it has not been called, or has ended. */
  #running: { readonly stopping: AbortController; readonly ended: Promise<void> } | null = null;

  /**
   * @param onElected called when it leads. It leads on when that has returned, and does not resign before it has
   *   settled
   * @param onLost called when it leads no more, or is to lead no more
   * @throws ConclaveError `ERR_INVALID_OPTION`
   */
  constructor(name: string, onElected: (term: Term) => unknown, onLost: () => unknown, options: ElectionOptions = {}) {
    checkKnown(options, ['connection', 'id', 'ttlMs']);
    if (typeof onElected !== 'function') throw invalid('onElected', 'must be a function');
    if (typeof onLost !== 'function') throw invalid('onLost', 'must be a function');
    const { connection, id = `${hostname()}/${process.pid}`, ttlMs } = options;
    this.#election = syncOf(connection).election(name, ttlMs === undefined ? { id } : { id, ttlMs });
    this.#onElected = onElected;
    this.#onLost = onLost;
    this.name = name;
  }

  /**
   * Stands in the election, again after each loss, until `shutdown` is called. While it does, another call is the same
   * one.
   *
   * @throws what one of the functions throws, after it has resigned; ConclaveError `ERR_STOPPED` when the back end was
   *   stopped
   */
  run(): Promise<void> {
    this.#running ??= this.#start();
    return this.#running.ended;
  }

  /** Ends `run`: both functions have settled, and then it has resigned, when this resolves. Never rejects. */
  async shutdown(): Promise<void> {
    this.#running?.stopping.abort();
    await this.#running?.ended.catch(() => {});
  }

  #start(): { readonly stopping: AbortController; readonly ended: Promise<void> } {
    const stopping = new AbortController();
    const ended = this.#election
      .run((term) => this.#lead(term), { signal: stopping.signal })
      .finally(() => (this.#running = null));
    return { stopping, ended };
  }

  async #lead(term: Term): Promise<void> {
    const elected = (async () => this.#onElected(term))();
    try {
      // It leads on after its function has returned, but not when that has failed.
      await Promise.race([aborted(term.signal), elected.then(() => aborted(term.signal))]);
    } finally {
      try {
        await this.#onLost();
      } finally {
        // Also where the one has failed, the other one may be at work.
        await elected;
      }
    }
  }
}

/**
 * Stands in an election on behalf of whoever runs beside the sidecar, and knows who leads: what Kubernetes' leader
 * elector did, which is retired. On the caller's thread.
 */

import { ConclaveError } from '../errors.js';
import type { Timekeeper } from '../runtime/timekeeper.js';
import { aborted } from '../sync/aborted.js';
import type { Election } from '../sync/election.js';
import { pause } from '../sync/pause.js';
import type { Routes } from './http-app.js';

/** Before it does again what could not be done any more. */
const AGAIN_MS = 1_000;

export class LeaderElector {
  readonly #election: Election;
  readonly #timekeeper: Timekeeper;
  readonly #onFailure: (error: unknown) => void;
  readonly #stopping = new AbortController();
  readonly #ended: Promise<unknown>;
  #leader = '';

  /** @param onFailure told why it cannot stand, or see who leads, at present */
  constructor(election: Election, timekeeper: Timekeeper, onFailure: (error: unknown) => void) {
    this.#election = election;
    this.#timekeeper = timekeeper;
    this.#onFailure = onFailure;
    this.#ended = Promise.all([this.#keepOn(() => this.#stand()), this.#keepOn(() => this.#observe())]);
  }

  /** Who leads, as far as is known here; empty: nobody. */
  get leader(): string {
    return this.#leader;
  }

  /** What is answered, as it was by the retired one: on any path. */
  get routes(): Routes {
    return (app) => {
      app.get('/*', async () => ({ name: this.#leader }));
    };
  }

  /** Resigns. Never rejects. */
  async close(): Promise<void> {
    this.#stopping.abort();
    await this.#ended;
  }

  async #stand(): Promise<void> {
    await this.#election.run((term) => aborted(term.signal), { signal: this.#stopping.signal });
  }

  async #observe(): Promise<void> {
    try {
      for await (const leader of this.#election.observe({ signal: this.#stopping.signal }))
        this.#leader = leader?.id ?? '';
    } finally {
      this.#leader = '';
    }
  }

  /** Until it is closed: what is refused now may be allowed later. */
  async #keepOn(act: () => Promise<void>): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      try {
        await act();
      } catch (error) {
        if (error instanceof ConclaveError && error.code === 'ERR_STOPPED') return;
        this.#onFailure(error);
      }
      await pause(this.#timekeeper, AGAIN_MS, this.#stopping.signal);
    }
  }
}

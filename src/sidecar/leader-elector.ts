/**
 * Stands in an election on behalf of whoever runs beside the sidecar, and knows who leads: what Kubernetes' leader elector did,
 * which is retired. On the caller's thread.
 */

import { ConclaveError } from '../errors.js';
import type { Timekeeper } from '../runtime/timekeeper.js';
import type { Election } from '../sync/election.js';
import type { Routes } from './http-app.js';

/** Before it observes again what could not be observed any more. */
const OBSERVE_AGAIN_MS = 1_000;

export class LeaderElector {
  readonly #election: Election;
  readonly #timekeeper: Timekeeper;
  readonly #stopping = new AbortController();
  readonly #ended: Promise<unknown>;
  #leader = '';

  constructor(election: Election, timekeeper: Timekeeper) {
    this.#election = election;
    this.#timekeeper = timekeeper;
    this.#ended = Promise.allSettled([this.#run(), this.#observe()]);
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

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    await this.#election.run((term) => aborted(term.signal), { signal });
  }

  async #observe(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        for await (const leader of this.#election.observe({ signal })) this.#leader = leader?.id ?? '';
      } catch (error) {
        if (error instanceof ConclaveError && error.code === 'ERR_STOPPED') return;
      }
      this.#leader = '';
      await this.#pause();
    }
  }

  #pause(): Promise<void> {
    const { signal } = this.#stopping;
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const end = (): void => {
        timer.cancel();
        signal.removeEventListener('abort', end);
        resolve();
      };
      const timer = this.#timekeeper.after(OBSERVE_AGAIN_MS, end);
      signal.addEventListener('abort', end);
    });
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

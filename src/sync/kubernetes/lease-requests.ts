/**
 * Requests for Leases, each with a time limit: the API server, a proxy or the network may keep silent for ever. On the
 * caller's thread. It repeats nothing, for what was not answered may have been done.
 */

import type { Timer } from '../../runtime/actor.js';
import { randomBelow, type Random } from '../../runtime/random.js';
import type { Timekeeper } from '../../runtime/timekeeper.js';
import { LeaseApiError, type Lease, type LeaseApi } from './lease-api.js';

/** How long until something that has failed is tried again, on average. */
const RETRY_MS = 2_000;
/** A server that asks for more is asked again all the same. */
const RETRY_AFTER_MS_MAX = 30_000;

export class LeaseRequests {
  readonly api: LeaseApi;
  readonly timekeeper: Timekeeper;
  readonly #random: Random;

  constructor(api: LeaseApi, timekeeper: Timekeeper, random: Random) {
    this.api = api;
    this.timekeeper = timekeeper;
    this.#random = random;
  }

  /** Resolves when the API server answers who asks. */
  ping(withinMs: number): Promise<void> {
    return this.#within(withinMs, (signal) => this.api.ping(signal));
  }

  /** Null: there is none. */
  async read(name: string, withinMs: number): Promise<Lease | null> {
    try {
      return await this.#within(withinMs, (signal) => this.api.read(name, signal));
    } catch (error) {
      if (error instanceof LeaseApiError && error.failure === 'not found') return null;
      throw error;
    }
  }

  /** Writes it where nothing has changed since it was read. */
  write(lease: Lease, withinMs: number): Promise<Lease> {
    const isNew = lease.metadata.resourceVersion === undefined;
    return this.#within(withinMs, (signal) =>
      isNew ? this.api.create(lease, signal) : this.api.replace(lease, signal),
    );
  }

  /**
   * A while that differs from client to client, so that they do not come all at once; longer where the server has asked
   * for it.
   */
  retryMs(error: unknown = null): number {
    const jittered = RETRY_MS / 2 + randomBelow(this.#random, RETRY_MS);
    const askedMs = error instanceof LeaseApiError ? error.retryAfterMs : 0;
    return Math.max(jittered, Math.min(askedMs, RETRY_AFTER_MS_MAX) + jittered / 2);
  }

  async #within<Result>(ms: number, ask: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
    const aborting = new AbortController();
    let timer: Timer | null = null;
    const late = new Promise<never>((_, reject) => {
      timer = this.timekeeper.after(ms, () => {
        reject(new LeaseApiError('unanswered', `The API server has not answered within ${ms} ms.`));
        aborting.abort();
      });
    });
    try {
      return await Promise.race([ask(aborting.signal), late]);
    } finally {
      (timer as Timer | null)?.cancel();
    }
  }
}

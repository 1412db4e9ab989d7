/**
 * One Lease, kept in view for those who wait for it or look who holds it: read, then watched, from where the last watch
 * ended; read from time to time where watching is refused. On the caller's thread. It writes nothing, and what it has
 * seen it remembers also while nobody follows.
 */

import type { Timer } from '../../runtime/actor.js';
import { pause } from '../pause.js';
import { LeaseApiError, type Lease, type LeaseEvent } from './lease-api.js';
import type { LeaseRequests } from './lease-requests.js';
import { versionNumber } from './lease-records.js';
import { LeaseSight } from './lease-sight.js';

export interface LeaseFollower {
  /** Something has changed, or its time is up. May be told more than once of the same. */
  onChange(): void;
  /** It cannot be read, and that will not pass by itself. It is tried again all the same. */
  onRefused(error: LeaseApiError): void;
}

/** How long a read may take. */
const READ_MS = 5_000;
/** However quiet a watch is: it may have been forgotten by the other side. */
const LOOK_AGAIN_MS = 30_000;
/** A watch that ends sooner has failed. */
const WATCH_MS_MIN = 1_000;
/** What is free is left so long to whom it is meant for (`preferredHolder`). */
const LEAVE_TO_PREFERRED_MS = 15_000;

export class LeaseView {
  readonly name: string;
  readonly #sight: LeaseSight;
  readonly #identity: string;
  readonly #requests: LeaseRequests;
  readonly #followers = new Set<LeaseFollower>();
  /** Where the next watch goes on; null: with what there is. */
  #since: string | null = null;
  #isWatchRefused = false;
  /** Ends what is waited for, and the watch. Null: nobody follows. */
  #ending: AbortController | null = null;
  /** Ends the watch that is open, so that another one is opened. */
  #restart: (() => void) | null = null;
  #look: Timer | null = null;

  constructor(name: string, identity: string, requests: LeaseRequests) {
    this.name = name;
    this.#identity = identity;
    this.#requests = requests;
    this.#sight = new LeaseSight(requests.timekeeper.clock);
  }

  get isFollowed(): boolean {
    return this.#followers.size > 0;
  }

  /** Has anything been seen of it, be it that there is none? */
  get isKnown(): boolean {
    return this.#sight.isKnown;
  }

  get lease(): Lease | null {
    return this.#sight.lease;
  }

  /** In how many milliseconds it may be taken, unless it changes; 0: now. */
  get freeInMs(): number {
    return this.#sight.freeInMs(this.#identity, LEAVE_TO_PREFERRED_MS);
  }

  /** Reads it. Rejects with a {@link LeaseApiError}. */
  async refresh(withinMs: number): Promise<Lease | null> {
    const lease = await this.#requests.read(this.name, Math.min(withinMs, READ_MS));
    if (lease === null) this.#seeNone(null);
    else this.see(lease);
    return lease;
  }

  /** Somebody here has read or written it. */
  see(lease: Lease): void {
    if (this.#sight.see(lease)) this.#tell();
  }

  /** Keeps it in view. Not told before it has returned. Returns what ends it. */
  follow(follower: LeaseFollower): () => void {
    this.#followers.add(follower);
    if (this.#ending === null) {
      this.#ending = new AbortController();
      void this.#keepInView(this.#ending.signal);
    } else {
      queueMicrotask(() => this.#followers.has(follower) && this.isKnown && follower.onChange());
    }
    return () => {
      if (!this.#followers.delete(follower) || this.isFollowed) return;
      this.#ending!.abort();
      this.#ending = null;
      this.#restart?.();
      this.#look?.cancel();
      this.#look = null;
    };
  }

  async #keepInView(ended: AbortSignal): Promise<void> {
    let isRead = false;
    while (!ended.aborted) {
      let error: LeaseApiError | null = null;
      try {
        if (!isRead) await this.refresh(READ_MS);
        // Also who has joined has to be told, whether or not it is news.
        if (!isRead && !ended.aborted) this.#tell();
        isRead = !this.#isWatchRefused;
        if (isRead && !ended.aborted) await this.#watch();
      } catch (thrown) {
        error = asFailure(thrown);
        const hasGoneOn = this.#since !== null;
        this.#onFailure(error, isRead);
        isRead = false;
        // Nothing has failed: it begins anew, by reading.
        if (error.failure === 'expired' && hasGoneOn) continue;
      }
      if (error !== null || this.#isWatchRefused)
        await pause(this.#requests.timekeeper, this.#requests.retryMs(error), ended);
    }
  }

  #onFailure(error: LeaseApiError, isWatching: boolean): void {
    this.#since = null;
    if (error.failure !== 'refused') return;
    if (isWatching) this.#isWatchRefused = true;
    else for (const follower of [...this.#followers]) follower.onRefused(error);
  }

  /** Until it has ended in order, or is to be begun anew. */
  async #watch(): Promise<void> {
    const { clock } = this.#requests.timekeeper;
    const sinceMs = clock.nowMs();
    let stop: () => void = () => {};
    let restart: () => void = () => {};
    const isInOrder = await new Promise<boolean>((resolve, reject) => {
      restart = () => resolve(true);
      this.#restart = restart;
      stop = this.#requests.api.watch(
        this.name,
        this.#since,
        (event) => this.#onEvent(event, reject),
        (error) => (error === null ? resolve(false) : reject(error)),
      );
    }).finally(() => {
      if (this.#restart === restart) this.#restart = null;
      stop();
    });
    if (isInOrder || clock.nowMs() - sinceMs >= WATCH_MS_MIN) return;
    throw new LeaseApiError('unanswered', 'The watch has ended as soon as it was opened.');
  }

  #onEvent(event: LeaseEvent, fail: (error: unknown) => void): void {
    try {
      if (event.type === 'kept') this.see(event.lease);
      else if (event.type === 'deleted') this.#seeNone(versionNumber(event.version));
      const version = event.type === 'kept' ? event.lease.metadata.resourceVersion : event.version;
      this.#since = version ?? null;
    } catch (error) {
      fail(asFailure(error));
    }
  }

  #seeNone(deletedAt: bigint | null): void {
    if (this.#sight.seeNone(deletedAt)) this.#tell();
  }

  #tell(): void {
    this.#lookLater();
    for (const follower of [...this.#followers]) if (this.#followers.has(follower)) follower.onChange();
  }

  /** When its time is up, and anyway from time to time. */
  #lookLater(): void {
    if (this.#ending === null) return;
    const dueMs = this.freeInMs;
    // A whole millisecond: what is left of one would be looked at again and again.
    this.#lookIn(dueMs > 0 ? Math.min(Math.ceil(dueMs), LOOK_AGAIN_MS) : LOOK_AGAIN_MS);
  }

  /** One at a time: what was told while a look was under way has planned another one already. */
  #lookIn(delayMs: number): void {
    this.#look?.cancel();
    const { signal } = this.#ending!;
    this.#look = this.#requests.timekeeper.after(delayMs, () => void this.#lookAgain(signal));
  }

  /** By a read: that nothing was heard of may be because nothing is heard. */
  async #lookAgain(ended: AbortSignal): Promise<void> {
    const before = this.lease;
    let error: unknown = null;
    try {
      await this.refresh(READ_MS);
    } catch (thrown) {
      error = thrown;
    }
    if (ended.aborted) return;
    if (error !== null) return this.#lookIn(this.#requests.retryMs(error));
    if (this.lease !== before) {
      this.#since = null;
      this.#restart?.();
    }
    this.#tell();
  }
}

/** What cannot be understood will not be the next time. */
function asFailure(thrown: unknown): LeaseApiError {
  if (thrown instanceof LeaseApiError) return thrown;
  return new LeaseApiError('refused', 'The API server answers what cannot be understood.', { cause: thrown });
}

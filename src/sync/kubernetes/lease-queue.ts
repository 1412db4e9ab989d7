/**
 * The claims of this client that wait for one Lease. Only the first of them tries to take it, when it is seen to be
 * free; so many who wait here are one who waits there. On the caller's thread.
 */

import type { Timer } from '../../runtime/actor.js';
import { LeaseApiError } from './lease-api.js';
import type { LeaseClaim } from './lease-claim.js';
import type { LeaseRequests } from './lease-requests.js';
import type { LeaseView } from './lease-view.js';

interface Waiter {
  readonly claim: LeaseClaim;
  readonly onGranted: () => void;
  /** It waits no more: it could not be served for as long as the API server refuses what it needs. */
  readonly onRefused: () => void;
}

/** What is needed to be served. */
type Need = 'read' | 'write';

/** Nothing but refusals has been heard in this time. */
interface Refused {
  readonly sinceMs: number;
  readonly lastMs: number;
}

/** How long a read may take before another try. */
const READ_MS = 5_000;
/**
 * A refusal may pass, as where a token is exchanged for a new one. One that lasts for longer is told; if nothing was
 * tried for so long, the next one is another one.
 */
const REFUSED_MS_MAX = 10_000;

export class LeaseQueue {
  readonly #view: LeaseView;
  readonly #requests: LeaseRequests;
  #waiters: Waiter[] = [];
  #unfollow: (() => void) | null = null;
  #isTrying = false;
  /** Something has changed while it was tried. */
  #isDue = false;
  /** Planned, or under way. Null: there is none. */
  #retry: Timer | null = null;
  readonly #refused = new Map<Need, Refused>();

  constructor(view: LeaseView, requests: LeaseRequests) {
    this.#view = view;
    this.#requests = requests;
  }

  get isEmpty(): boolean {
    return this.#waiters.length === 0;
  }

  add(claim: LeaseClaim, onGranted: () => void, onRefused: () => void): void {
    this.#waiters.push({ claim, onGranted, onRefused });
    this.#unfollow ??= this.#view.follow({
      onChange: () => {
        this.#refused.delete('read');
        this.#next();
      },
      onRefused: () => this.#onRefused('read'),
    });
  }

  remove(claim: LeaseClaim): void {
    this.#waiters = this.#waiters.filter((waiter) => waiter.claim !== claim);
    if (this.isEmpty) this.#leave();
    else this.#next();
  }

  #next(): void {
    this.#isDue = true;
    if (!this.#isTrying && this.#retry === null) void this.#tryAll();
  }

  async #tryAll(): Promise<void> {
    this.#isTrying = true;
    try {
      while (this.#isDue && this.#retry === null && !this.isEmpty) {
        this.#isDue = false;
        const first = this.#waiters[0]!;
        if (first.claim.isTakeable) await this.#try(first);
      }
    } catch (error) {
      if (isRefusal(error)) this.#onRefused('write');
      this.#tryLater(error);
    }
    this.#isTrying = false;
  }

  async #try({ claim, onGranted }: Waiter): Promise<void> {
    const outcome = await claim.tryTake();
    this.#refused.delete('write');
    if (outcome === 'granted') {
      this.remove(claim);
      onGranted();
    } else if (claim.isTakeable && !claim.isOver) {
      // Others are at it.
      this.#tryLater(null);
    }
  }

  #tryLater(error: unknown): void {
    if (this.isEmpty) return;
    const retry = this.#requests.timekeeper.after(this.#requests.retryMs(error), () => void this.#lookAndTry(retry));
    this.#retry = retry;
  }

  /** What was not answered may have been done. */
  async #lookAndTry(retry: Timer): Promise<void> {
    let failure: { readonly error: unknown } | null = null;
    try {
      await this.#view.refresh(READ_MS);
    } catch (error) {
      failure = { error };
    }
    // All have left meanwhile: those who have come since have a retry of their own.
    if (this.#retry !== retry) return;
    if (failure !== null) return this.#tryLater(failure.error);
    this.#retry = null;
    this.#next();
  }

  #onRefused(need: Need): void {
    const nowMs = this.#requests.timekeeper.clock.nowMs();
    const { sinceMs, lastMs } = this.#refused.get(need) ?? { sinceMs: nowMs, lastMs: nowMs };
    const isSame = nowMs - lastMs < REFUSED_MS_MAX;
    this.#refused.set(need, { sinceMs: isSame ? sinceMs : nowMs, lastMs: nowMs });
    if (!isSame || nowMs - sinceMs < REFUSED_MS_MAX) return;
    const refused = this.#waiters;
    this.#waiters = [];
    this.#leave();
    for (const { onRefused } of refused) onRefused();
  }

  #leave(): void {
    this.#unfollow?.();
    this.#unfollow = null;
    this.#retry?.cancel();
    this.#retry = null;
    this.#isDue = false;
    this.#refused.clear();
  }
}

/** Will it be no different the next time? */
function isRefusal(error: unknown): boolean {
  return !(error instanceof LeaseApiError) || error.failure === 'refused';
}

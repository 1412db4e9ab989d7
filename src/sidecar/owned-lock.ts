/**
 * One lock and one owner who asks for it by requests: claims it, holds it until nothing was heard of the owner for a
 * TTL, and gives it back. However many requests of the owner there are at a time, there is one claim. On the caller's
 * thread.
 */

import type { Timer } from '../runtime/actor.js';
import type { Timekeeper } from '../runtime/timekeeper.js';
import type { Claiming } from '../sync/claiming.js';
import { Held } from '../sync/held.js';
import type { ClaimTerms } from '../sync/backend.js';

/**
 * How long a request may take that does not wait for a holder, all that it waits for together: well below the ten
 * seconds for which clients of old wait for an answer.
 */
export const CLAIM_TIMEOUT_MS = 5_000;
/**
 * For so long a place in the queue is kept for an owner whose request has waited as long as it would, and who asks
 * again.
 */
export const PLACE_KEPT_MS = 2_000;

/** A claim that waits. */
interface Waiting {
  readonly outcome: Promise<boolean>;
  readonly aborting: AbortController;
}

export interface OwnedLockListener {
  /** There is nothing to be remembered of it. */
  onIdle(): void;
  /** Why a claim came to nothing; that another one holds it is no failure. */
  onFailure(error: unknown): void;
  /** What was held by this token was lost, not given up. Called when there is nothing more to it here. */
  onLost(token: bigint): void;
}

export class OwnedLock {
  readonly owner: string;
  readonly #claiming: Claiming;
  readonly #terms: ClaimTerms;
  readonly #ttlMs: number;
  readonly #listener: OwnedLockListener;
  #held: Held | null = null;
  /** By the monotonic clock: until then it is held for an owner that says nothing more. */
  #untilMs = 0;
  #deadline: Timer | null = null;
  /** A claim that does not wait, and what ends it. */
  #trying: Promise<boolean> | null = null;
  #tryAborting: AbortController | null = null;
  #waiting: Waiting | null = null;
  /** Requests that wait with it. */
  #waiters = 0;
  /** All requests that are under way. */
  #requests = 0;
  #placeKept: Timer | null = null;
  #releasing: Promise<boolean> | null = null;

  constructor(
    claiming: Claiming,
    terms: ClaimTerms & { readonly owner: string },
    ttlMs: number,
    listener: OwnedLockListener,
  ) {
    this.owner = terms.owner;
    this.#claiming = claiming;
    this.#terms = terms;
    this.#ttlMs = ttlMs;
    this.#listener = listener;
  }

  /** Is it held, as far as this process may believe? */
  get isHeld(): boolean {
    return this.#held?.held === true;
  }

  /** Of the claim that is held; 0n: none is. */
  get token(): bigint {
    return this.isHeld ? this.#held!.token : 0n;
  }

  /** For how long it is held if nothing more is heard, neither of the owner nor of the back end. */
  get remainingMs(): number {
    if (!this.isHeld) return 0;
    return Math.max(0, Math.min(this.#untilMs - this.#timekeeper.clock.nowMs(), this.#held!.expiresInMs));
  }

  /** The owner is there. False: it does not hold. */
  renew(): boolean {
    if (!this.isHeld) return false;
    this.#keepFor(this.#ttlMs);
    return true;
  }

  /** Holds it if it is free. Never rejects: what cannot be said in time is no. */
  tryAcquire(): Promise<boolean> {
    const untilMs = this.#overBy;
    return this.#request(async () => {
      if (!(await this.#isReleased(untilMs))) return false;
      if (this.renew()) return true;
      // Whoever waits has a place, which another claim would take away.
      if (this.#waiting !== null) return false;
      this.#trying ??= this.#try(untilMs);
      await this.#trying;
      return this.renew();
    });
  }

  /** Waits until it holds, for so long at most and while the request is wanted. Never rejects. */
  acquire(waitMs: number, signal: AbortSignal): Promise<boolean> {
    return this.#request(async () => {
      this.#waiters++;
      this.#placeKept?.cancel();
      this.#placeKept = null;
      try {
        if (!(await this.#isReleased(this.#overBy))) return false;
        await this.#trying;
        if (this.renew()) return true;
        if (signal.aborted) return false;
        this.#waiting ??= this.#wait();
        await this.#within(waitMs, signal, this.#waiting.outcome);
        return this.renew();
      } finally {
        this.#waiters--;
        if (this.#waiters === 0 && this.#waiting !== null) this.#leaveQueue(signal.aborted);
      }
    });
  }

  /**
   * Gives up what is held, and what is waited for. Resolves when that is so, or cannot be said in time. Never rejects.
   */
  release(withinMs: number = CLAIM_TIMEOUT_MS): Promise<boolean> {
    const untilMs = this.#timekeeper.clock.nowMs() + withinMs;
    return this.#request(async () => {
      this.#waiting?.aborting.abort();
      // What was asked for before comes first, however it ends. What is held is given up at once.
      if (this.#held === null) await Promise.all([this.#trying, this.#waiting?.outcome]);
      const held = this.#held;
      this.#forgetHeld();
      if (held !== null) {
        this.#releasing = held.release().then(() => {
          this.#releasing = null;
          this.#settle();
          return true;
        });
      }
      return this.#isReleased(untilMs);
    });
  }

  /** Whoever asks is told now what is so: the back end is not waited for any more. */
  end(): void {
    this.#tryAborting?.abort();
    this.#waiting?.aborting.abort();
  }

  async #request(run: () => Promise<boolean>): Promise<boolean> {
    this.#requests++;
    try {
      return await run();
    } finally {
      this.#requests--;
      this.#settle();
    }
  }

  /** When a request that begins now has to be over. */
  get #overBy(): number {
    return this.#timekeeper.clock.nowMs() + CLAIM_TIMEOUT_MS;
  }

  #leftUntil(untilMs: number): number {
    return Math.max(0, untilMs - this.#timekeeper.clock.nowMs());
  }

  /** Is nothing on its way back? False: that takes longer than a request may. */
  #isReleased(untilMs: number): Promise<boolean> {
    if (this.#releasing === null) return Promise.resolve(true);
    return this.#within(this.#leftUntil(untilMs), new AbortController().signal, this.#releasing);
  }

  async #try(untilMs: number): Promise<boolean> {
    this.#tryAborting = new AbortController();
    try {
      const options = { timeoutMs: this.#leftUntil(untilMs), signal: this.#tryAborting.signal };
      const held = await this.#claiming.tryAcquire(this.#terms, this.#ttlMs, options, (claim) => new Held(claim));
      if (held !== null) this.#hold(held, this.#ttlMs);
      return held !== null;
    } catch (error) {
      // The back end is out, or full, or refuses: whoever asked holds nothing.
      this.#listener.onFailure(error);
      return false;
    } finally {
      this.#trying = null;
      this.#tryAborting = null;
      this.#settle();
    }
  }

  #wait(): Waiting {
    const aborting = new AbortController();
    const waiting: Waiting = { aborting, outcome: this.#acquire(aborting.signal, () => this.#waiting === waiting) };
    return waiting;
  }

  async #acquire(signal: AbortSignal, isCurrent: () => boolean): Promise<boolean> {
    try {
      const held = await this.#claiming.acquire(this.#terms, this.#ttlMs, { signal }, (claim) => new Held(claim));
      // Somebody who does not wait at present has to come back soon.
      this.#hold(held, this.#waiters > 0 ? this.#ttlMs : PLACE_KEPT_MS);
      return true;
    } catch (error) {
      this.#listener.onFailure(error);
      return false;
    } finally {
      if (isCurrent()) this.#waiting = null;
      this.#placeKept?.cancel();
      this.#placeKept = null;
      this.#settle();
    }
  }

  #hold(held: Held, forMs: number): void {
    this.#held = held;
    held.once('lost', () => {
      if (this.#held === held) this.#forgetHeld();
      this.#settle();
      this.#listener.onLost(held.token);
    });
    this.#keepFor(forMs);
  }

  #forgetHeld(): void {
    this.#held = null;
    // A timer may be all that keeps the process alive.
    this.#deadline?.cancel();
    this.#deadline = null;
  }

  #keepFor(forMs: number): void {
    this.#untilMs = this.#timekeeper.clock.nowMs() + forMs;
    this.#watchDeadline();
  }

  /** One timer, which looks again when it has been put off meanwhile: renewing is what happens most. */
  #watchDeadline(): void {
    if (this.#deadline !== null) return;
    this.#deadline = this.#timekeeper.after(this.#leftUntil(this.#untilMs), () => {
      this.#deadline = null;
      if (this.#timekeeper.clock.nowMs() >= this.#untilMs) void this.release();
      else this.#watchDeadline();
    });
  }

  /** Nobody waits any more. Whoever has gone has no place; whoever was told to ask again keeps it for a moment. */
  #leaveQueue(hasGone: boolean): void {
    const { aborting } = this.#waiting!;
    if (hasGone) aborting.abort();
    else this.#placeKept = this.#timekeeper.after(PLACE_KEPT_MS, () => aborting.abort());
  }

  /** Settles as `outcome` does, or false when time is over or the request is not wanted any more. */
  #within(waitMs: number, signal: AbortSignal, outcome: Promise<boolean>): Promise<boolean> {
    return new Promise((resolve) => {
      const end = (isHeld: boolean): void => {
        timer.cancel();
        signal.removeEventListener('abort', onAbort);
        resolve(isHeld);
      };
      const onAbort = (): void => end(false);
      const timer = this.#timekeeper.after(waitMs, () => end(false));
      signal.addEventListener('abort', onAbort, { once: true });
      void outcome.then(end);
    });
  }

  #settle(): void {
    const isIdle =
      this.#held === null &&
      this.#trying === null &&
      this.#waiting === null &&
      this.#releasing === null &&
      this.#requests === 0;
    if (isIdle) this.#listener.onIdle();
  }

  get #timekeeper(): Timekeeper {
    return this.#claiming.backend.timekeeper;
  }
}

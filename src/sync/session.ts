/**
 * A session of a back end, as its holders depend on it: renews it while there are claims, knows until when they may
 * believe that they hold, and tells each of them of its end, once. On the caller's thread. It never decides that
 * somebody else may hold.
 */

import type { Timer } from '../runtime/actor.js';
import { ConclaveError } from '../errors.js';
import type { BackendSession, ClaimOutcome, ClaimTerms, SessionListener, SyncBackend } from './backend.js';
import { Lease } from './lease.js';
import { retryAfterMs } from './retry-after.js';

/** Somebody who claims something, and holds it once it is granted. */
export interface Claimant {
  /** It holds: now, for its session is known to last for a while. */
  granted(token: bigint): void;
  /** What it held, it holds no longer. */
  lost(reason: ConclaveError): void;
  /** It holds, and is asked to give up. */
  asked(): void;
  /** The session is over, and it waits for nothing any more. */
  ended(): void;
}

interface Claim {
  readonly claimant: Claimant;
  /** 0: it has not been granted, as far as is known. */
  token: bigint;
  /** Has the claimant been told that it holds? */
  isHeld: boolean;
  /** And that it is asked for? */
  isAsked: boolean;
}

/** Renewals are due after this part of the TTL. */
const RENEW_AFTER = 1 / 3;

export class Session implements SessionListener {
  readonly #backend: SyncBackend;
  readonly #ttlMs: number;
  readonly #onOver: () => void;
  readonly #lease: Lease;
  readonly #claims = new Map<number, Claim>();
  /** Null until it has been opened. */
  #session: BackendSession | null = null;
  #nextRequest = 1;
  /** Those who wait for a moment, or for the end: what ends that. */
  readonly #paused = new Set<() => void>();
  #isRenewing = false;
  #isOver = false;
  #renewal: Timer | null = null;
  /** Fires when the lease is over. */
  #deadline: Timer | null = null;

  private constructor(backend: SyncBackend, ttlMs: number, onOver: () => void) {
    this.#backend = backend;
    this.#ttlMs = ttlMs;
    this.#onOver = onOver;
    const { clock } = backend.timekeeper;
    this.#lease = new Lease(clock, ttlMs, Lease.now(clock));
  }

  /** Opens a session. `onOver` is called once, when it has ended. */
  static async open(backend: SyncBackend, ttlMs: number, onOver: () => void): Promise<Session> {
    // Made first: what it lasts for counts from the request on.
    const session = new Session(backend, ttlMs, onOver);
    session.#session = await backend.openSession(ttlMs, session);
    return session;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** For how long those who hold may believe so. Told from the clock, each time. */
  get remainingMs(): number {
    if (this.#isOver) return 0;
    const remainingMs = this.#lease.remainingMs;
    if (remainingMs > 0) return remainingMs;
    this.#loseAll(tooLate());
    return 0;
  }

  /**
   * Claims something. The claimant is told when it is granted; `outcome` says what came of it at once, and rejects when
   * it is not known whether the claim was made: it must be given up then.
   */
  claim(terms: ClaimTerms, claimant: Claimant): { readonly request: number; readonly outcome: Promise<ClaimOutcome> } {
    const request = this.#nextRequest++;
    if (this.#isOver) return { request, outcome: Promise.resolve('ended') };
    this.#claims.set(request, { claimant, token: 0n, isHeld: false, isAsked: false });
    // One that has been idle may be near its end.
    if (this.#lease.passedMs > this.#ttlMs * RENEW_AFTER) void this.#renew();
    else this.#schedule();
    return { request, outcome: this.#claim(request, terms) };
  }

  /** Gives up a claim, whatever has become of it. Resolves when that is so, or the session is over. Never rejects. */
  async giveUp(request: number): Promise<void> {
    this.#claims.delete(request);
    while (!this.#isOver) {
      try {
        await this.#session!.giveUp(request);
        return;
      } catch {
        // Nobody needs it any more, and it may hold what could not be given up: it must not be renewed by another
        // claim.
        if (this.#claims.size === 0 && this.#lease.remainingMs <= 0) this.ended();
        else await this.#pause();
      }
    }
  }

  /** Says something else to those who look. False: it does not hold. */
  async proclaim(request: number, value: unknown): Promise<boolean> {
    return !this.#isOver && (await this.#session!.proclaim(request, value));
  }

  /** Ends it, and all that is held in it. */
  async close(): Promise<void> {
    if (this.#isOver) return;
    this.ended();
    await this.#session!.close();
  }

  granted(request: number, token: bigint): void {
    const claim = this.#claims.get(request);
    if (claim === undefined || claim.token > 0n) return;
    claim.token = token;
    this.#hand(claim);
  }

  lost(request: number): void {
    const claim = this.#claims.get(request);
    if (claim === undefined) return;
    this.#claims.delete(request);
    if (claim.isHeld) claim.claimant.lost(takenAway());
    else claim.claimant.ended();
  }

  asked(request: number): void {
    const claim = this.#claims.get(request);
    if (claim === undefined || !claim.isHeld || claim.isAsked) return;
    claim.isAsked = true;
    claim.claimant.asked();
  }

  ended(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#renewal?.cancel();
    this.#deadline?.cancel();
    const claims = [...this.#claims.values()];
    this.#claims.clear();
    for (const wake of [...this.#paused]) wake();
    this.#onOver();
    for (const { claimant, isHeld } of claims) {
      if (isHeld) claimant.lost(takenAway());
      else claimant.ended();
    }
  }

  async #claim(request: number, terms: ClaimTerms): Promise<ClaimOutcome> {
    const outcome = await this.#session!.claim(request, terms);
    if (typeof outcome === 'bigint') this.granted(request, outcome);
    else if (outcome === 'ended') this.ended();
    else if (outcome !== 'waiting') this.#claims.delete(request);
    return outcome;
  }

  /** Tells a claimant that it holds, if the session is known to last; otherwise the next renewal does. */
  #hand(claim: Claim): void {
    if (claim.isHeld) return;
    if (this.remainingMs <= 0) return void this.#renew();
    claim.isHeld = true;
    claim.claimant.granted(claim.token);
    this.#schedule();
  }

  async #renew(): Promise<void> {
    if (this.#isRenewing || this.#isOver) return;
    this.#isRenewing = true;
    this.#renewal?.cancel();
    this.#renewal = null;
    const since = Lease.now(this.#backend.timekeeper.clock);
    let isRenewed: boolean | null = null;
    try {
      isRenewed = await this.#session!.renew();
    } catch (error) {
      if (error instanceof ConclaveError && error.code === 'ERR_STOPPED') isRenewed = false;
    }
    this.#isRenewing = false;
    if (isRenewed === false) return this.ended();
    // Whose time was over has lost, whatever was decided meanwhile.
    if (this.#lease.remainingMs <= 0) this.#loseAll(tooLate());
    if (isRenewed === true) this.#lease.extend(since);
    this.#schedule();
    if (isRenewed !== true || this.#lease.remainingMs <= 0) return;
    for (const claim of this.#claims.values()) if (claim.token > 0n) this.#hand(claim);
  }

  /** Renews when that is due, while there are claims, and looks when the lease is over. */
  #schedule(): void {
    if (this.#isOver || this.#claims.size === 0) return;
    if (!this.#isRenewing && this.#renewal === null) {
      // One that is overdue has failed.
      const dueMs = Math.max(this.#ttlMs * RENEW_AFTER - this.#lease.passedMs, retryAfterMs(this.#ttlMs));
      this.#renewal = this.#backend.timekeeper.after(dueMs, () => {
        this.#renewal = null;
        if (this.#claims.size > 0) void this.#renew();
      });
    }
    this.#watchDeadline();
  }

  #watchDeadline(): void {
    if (this.#deadline !== null) return;
    const remainingMs = this.#lease.remainingMs;
    if (remainingMs <= 0) return;
    // In whole milliseconds: a remainder so small that it does not move the clock would never be over.
    this.#deadline = this.#backend.timekeeper.after(Math.ceil(remainingMs), () => {
      this.#deadline = null;
      // It may have been put off meanwhile.
      if (!this.#isOver && this.#claims.size > 0 && this.remainingMs > 0) this.#watchDeadline();
    });
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        timer.cancel();
        this.#paused.delete(wake);
        resolve();
      };
      const timer = this.#backend.timekeeper.after(retryAfterMs(this.#ttlMs), wake);
      this.#paused.add(wake);
    });
  }

  /** Those who hold have to assume that somebody else does. Those who wait may still have a session. */
  #loseAll(reason: ConclaveError): void {
    for (const [request, { claimant, isHeld }] of this.#claims) {
      if (!isHeld) continue;
      this.#claims.delete(request);
      claimant.lost(reason);
      void this.giveUp(request);
    }
  }
}

function tooLate(): ConclaveError {
  return new ConclaveError(
    'ERR_LOCK_LOST',
    'The session could not be renewed in time: this process was cut off, stood still, or was suspended. Somebody else may hold ' +
      'by now.',
    { data: { reason: 'not renewed' } },
  );
}

function takenAway(): ConclaveError {
  return new ConclaveError('ERR_LOCK_LOST', 'The session has ended, and with it all that was held in it.', {
    data: { reason: 'session ended' },
  });
}

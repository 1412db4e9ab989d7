/**
 * A session of Leases: those that one holder has with the same TTL, which are renewed together, each by a request of
 * its own. On the caller's thread.
 */

import { randomUUID } from 'node:crypto';
import type { Timer } from '../../runtime/actor.js';
import type { BackendSession, ClaimOutcome, ClaimTerms, SessionListener } from '../backend.js';
import { pause } from '../pause.js';
import { retryAfterMs } from '../retry-after.js';
import { LeaseApiError } from './lease-api.js';
import type { LeaseBackend, NamedLease } from './lease-backend.js';
import { LeaseClaim } from './lease-claim.js';
import { asConclaveError, notSupported } from './lease-errors.js';
import { encodeValue } from './lease-records.js';
import type { LeaseView } from './lease-view.js';

/** Claims of a session: each that is held costs a request whenever the session is renewed. */
const CLAIMS_MAX = 1_000;
/**
 * Of these requests, so many are under way at a time: others of this process, and of other processes, want to be
 * answered, too.
 */
const RENEWALS_AT_ONCE_MAX = 64;
/**
 * In parts of the TTL: a renewal that has failed is made again after so long, until so long has passed since the last
 * one that kept all. Whoever holds believes so for nine tenths.
 */
const RETRY_AFTER = 0.1;
const TRY_UNTIL = 0.85;
/** How long a claim may take to reach the API server. */
const CALL_TIMEOUT_MS = 10_000;
const REQUEST_MS_MIN = 50;
const REQUEST_MS_MAX = 5_000;

export class LeaseSession implements BackendSession {
  readonly #backend: LeaseBackend;
  readonly #ttlMs: number;
  readonly #listener: SessionListener;
  readonly #requestMs: number;
  readonly #claims = new Map<number, { readonly claim: LeaseClaim; readonly named: NamedLease }>();
  /** When the last renewal was asked for that has kept all there are. */
  #renewedSinceMs: number;
  #isClosed = false;

  constructor(backend: LeaseBackend, ttlMs: number, listener: SessionListener) {
    this.#backend = backend;
    this.#ttlMs = ttlMs;
    this.#listener = listener;
    this.#renewedSinceMs = backend.timekeeper.clock.nowMs();
    this.#requestMs = Math.min(Math.max(ttlMs / 3, REQUEST_MS_MIN), REQUEST_MS_MAX);
  }

  /**
   * Only those are tried again that have failed: of many requests, one fails now and then. What fails until the lease
   * is nearly over, while others are kept, is lost alone; where nothing can be kept, it is as well to begin anew.
   */
  async renew(): Promise<boolean> {
    const { clock } = this.#backend.timekeeper;
    const sinceMs = clock.nowMs();
    const untilMs = this.#renewedSinceMs + this.#ttlMs * TRY_UNTIL;
    let left: readonly number[] = [...this.#claims.keys()];
    let isAnyKept = false;
    for (;;) {
      const { kept, failures } = await this.#renewEach(left, sinceMs, untilMs);
      isAnyKept ||= kept > 0;
      if (failures.size === 0 || this.#isClosed) break;
      left = [...failures.keys()];
      if (!isAnyKept) throw asConclaveError(failures.get(left[0]!), null);
      const pauseMs = this.#ttlMs * RETRY_AFTER;
      if (clock.nowMs() + pauseMs >= untilMs) {
        for (const request of left) this.#abandon(request);
        break;
      }
      await pause(this.#backend.timekeeper, pauseMs);
    }
    this.#renewedSinceMs = sinceMs;
    return !this.#isClosed;
  }

  async claim(request: number, terms: ClaimTerms): Promise<ClaimOutcome> {
    if (terms.permits !== terms.of) throw notSupported(terms.name);
    if (this.#isClosed) return 'ended';
    if (this.#claims.size >= CLAIMS_MAX) return 'too many';
    const named = this.#backend.named(terms.name);
    const claim = this.#newClaim(terms, named.view);
    this.#claims.set(request, { claim, named });
    const outcome = await this.#firstTry(claim, named);
    if (outcome === 'granted') return claim.token;
    if (terms.isWaiting && !claim.isOver) {
      const onGranted = (): void => this.#listener.granted(request, claim.token);
      // Whoever is to wait on claims anew, and is told why that is refused.
      named.queue.add(claim, onGranted, () => this.#abandon(request));
      return 'waiting';
    }
    await this.giveUp(request);
    return 'busy';
  }

  async giveUp(request: number): Promise<void> {
    const found = this.#claims.get(request);
    if (found === undefined) return;
    found.claim.isOver = true;
    found.named.queue.remove(found.claim);
    try {
      await found.claim.giveUp();
    } catch (error) {
      throw asConclaveError(error, found.named.view.name);
    }
    this.#claims.delete(request);
  }

  async proclaim(request: number, value: unknown): Promise<boolean> {
    const found = this.#claims.get(request);
    if (found === undefined) return false;
    const text = encodeValue(value);
    try {
      if (await found.claim.proclaim(text)) return true;
    } catch (error) {
      throw asConclaveError(error, found.named.view.name);
    }
    if (!found.claim.isOver) this.#lose(request);
    return false;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#claims.keys()].map((request) => this.#giveBack(request)));
  }

  /** As often as it takes within a TTL, after which it is free anyway. Never rejects. */
  async #giveBack(request: number): Promise<void> {
    const { clock } = this.#backend.timekeeper;
    const untilMs = clock.nowMs() + this.#ttlMs;
    while (clock.nowMs() < untilMs) {
      try {
        return await this.giveUp(request);
      } catch {
        await pause(this.#backend.timekeeper, retryAfterMs(this.#ttlMs));
      }
    }
  }

  /**
   * Renews those claims, some at a time. What has not been answered until a moment has failed.
   *
   * @returns how many are kept that hold, and why the others could not be
   */
  async #renewEach(
    requests: readonly number[],
    sinceMs: number,
    untilMs: number,
  ): Promise<{ readonly kept: number; readonly failures: ReadonlyMap<number, unknown> }> {
    const { timekeeper } = this.#backend;
    const failures = new Map<number, unknown>();
    let kept = 0;
    const leftMs = untilMs - timekeeper.clock.nowMs();
    let timer: Timer | null = null;
    let tooLate: LeaseApiError | null = null;
    const late = new Promise<never>((_, reject) => {
      // Where it is later than that already, all that can be done is to wait for answers.
      if (leftMs <= 0) return;
      timer = timekeeper.after(leftMs, () => {
        tooLate = new LeaseApiError('unanswered', 'It is too late for an answer.');
        reject(tooLate);
      });
    });
    late.catch(() => {});
    const next = requests.values();
    const inTurn = async (): Promise<void> => {
      for (const request of next) {
        const claim = this.#claims.get(request)?.claim;
        if (claim === undefined) continue;
        try {
          // Those whose turn has not come are not asked for: nobody would wait for the answers.
          if (tooLate !== null) throw tooLate;
          const isOwn = await Promise.race([claim.renew(sinceMs), late]);
          if (!isOwn) this.#lose(request);
          else if (claim.token > 0n) kept++;
          if (isOwn && claim.isAskedFor) this.#listener.asked(request);
        } catch (error) {
          failures.set(request, error);
        }
      }
    };
    await Promise.all(Array.from({ length: RENEWALS_AT_ONCE_MAX }, inTurn));
    (timer as Timer | null)?.cancel();
    return { kept, failures };
  }

  /** It is told to be lost, and only then given back, as far as that can be done. */
  #abandon(request: number): void {
    if (!this.#claims.has(request)) return;
    this.#listener.lost(request);
    void this.#giveBack(request);
  }

  /** Tries until the API server has said something. */
  async #firstTry(claim: LeaseClaim, { view, queue }: NamedLease): Promise<'granted' | 'busy'> {
    const { clock } = this.#backend.timekeeper;
    const untilMs = clock.nowMs() + CALL_TIMEOUT_MS;
    for (;;) {
      try {
        await view.refresh(this.#requestMs);
        // Those who wait here come first, but for whoever has it already: nobody else could have it until it expires.
        const isNext = queue.isEmpty || claim.isOwners || claim.isTaken;
        if (!isNext) return 'busy';
        return await claim.tryTake();
      } catch (error) {
        const isHopeless = !(error instanceof LeaseApiError) || error.failure === 'refused';
        const pauseMs = this.#backend.requests.retryMs(error);
        if (isHopeless || claim.isOver || clock.nowMs() + pauseMs >= untilMs) throw asConclaveError(error, view.name);
        await pause(this.#backend.timekeeper, pauseMs);
      }
    }
  }

  #newClaim({ name, value, owner }: ClaimTerms, view: LeaseView): LeaseClaim {
    const { identity, requests } = this.#backend;
    const terms = {
      claimName: name,
      value: encodeValue(value),
      holder: `${identity}_${randomUUID()}`,
      identity,
      owner,
      ttlMs: this.#ttlMs,
    };
    return new LeaseClaim(terms, view, requests, this.#requestMs);
  }

  #lose(request: number): void {
    this.#claims.delete(request);
    this.#listener.lost(request);
  }
}

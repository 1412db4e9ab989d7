/**
 * A session on a Coordination, wherever that one is: translates its calls, and turns what changes there into what the
 * session is told. On the caller's thread.
 */

import type { CoordinationChange, Standing } from '../actors/coordination/coordination.js';
import { ValueCodec } from '../actors/replicated/value-codec.js';
import { ConclaveError } from '../errors.js';
import type { BackendSession, ClaimOutcome, ClaimTerms, SessionListener } from './backend.js';
import type { CoordinationAccess, CoordinationCalls, FollowedState } from './coordination-access.js';
import { pause } from './pause.js';
import { retryAfterMs } from './retry-after.js';

/** How long a command may take that opens a session or claims a name. */
export const CALL_TIMEOUT_MS = 10_000;
/**
 * How deep a holder's value stands in the answer of `look`: deeper than in any command, so that a command could take a
 * value that no answer can.
 */
const VALUE_DEPTH = 5;
const NOBODY_WAITS = { resolve: (): void => {}, reject: (): void => {} };

const codec = new ValueCodec();

export class CoordinationSession implements BackendSession {
  readonly #timekeeper: CoordinationAccess['timekeeper'];
  readonly #id: number;
  readonly #ttlMs: number;
  readonly #calls: CoordinationCalls;
  /** For what is of no use later on. */
  readonly #quick: CoordinationCalls;
  readonly #listener: SessionListener;
  readonly #onOver: () => void;
  readonly #unfollow: () => void;
  /**
   * What it holds or waits for, until it is given up: is it known to the coordination? What is told of other claims
   * crosses their being given up.
   */
  readonly #claims = new Map<number, boolean>();
  /** Does something say that less is claimed? What says so may be older than what was claimed since. */
  #isInDoubt = false;
  /** Resolves once it is heard what becomes of the session, or that it is over; rejects when that cannot be heard. */
  readonly isFollowed: Promise<void>;
  #settleFollowed: { readonly resolve: () => void; readonly reject: (error: unknown) => void } = NOBODY_WAITS;
  #isOver = false;

  constructor(access: CoordinationAccess, id: number, ttlMs: number, listener: SessionListener, onOver: () => void) {
    this.#timekeeper = access.timekeeper;
    this.#id = id;
    this.#ttlMs = ttlMs;
    this.#calls = access.within(CALL_TIMEOUT_MS);
    this.#quick = access.within(Math.max(50, ttlMs / 3));
    this.#listener = listener;
    this.#onOver = onOver;
    this.isFollowed = new Promise((resolve, reject) => (this.#settleFollowed = { resolve, reject }));
    this.#unfollow = access.follow(
      id,
      'standing',
      (news) => this.#onNews(news),
      (error) => this.#onUnfollowed(error),
    );
  }

  async renew(): Promise<boolean> {
    const isRenewed = await this.#quick.renew(this.#id);
    if (isRenewed && this.#isInDoubt) await this.#compare();
    return isRenewed;
  }

  async claim(request: number, terms: ClaimTerms): Promise<ClaimOutcome> {
    checkValue(terms.value);
    this.#claims.set(request, false);
    const outcome = await this.#calls.claim(this.#id, { request, ...terms });
    if (typeof outcome === 'number' || outcome === 'waiting') {
      this.#confirm(request);
      return typeof outcome === 'number' ? BigInt(outcome) : outcome;
    }
    this.#claims.delete(request);
    return outcome === 'no session' ? 'ended' : outcome;
  }

  async giveUp(request: number): Promise<void> {
    this.#claims.delete(request);
    await this.#calls.giveUp(this.#id, request);
  }

  async proclaim(request: number, value: unknown): Promise<boolean> {
    checkValue(value);
    return this.#calls.proclaim(this.#id, request, value);
  }

  async close(): Promise<void> {
    this.#leave();
    try {
      await this.#calls.closeSession(this.#id);
    } catch (error) {
      void this.#closeLater(error);
      throw error;
    }
  }

  /** It is over, whatever the coordination says. */
  end(): void {
    if (this.#isOver) return;
    this.#leave();
    this.#listener.ended();
  }

  #leave(): void {
    this.#isOver = true;
    this.#unfollow();
    this.#onOver();
    this.#settleFollowed.resolve();
  }

  /** Nobody would hear what it is granted. Others are not to wait for its end. */
  #onUnfollowed(error: unknown): void {
    if (this.#isOver) return;
    this.#settleFollowed.reject(error);
    this.end();
    this.close().catch(() => {});
  }

  /** Others are not to wait for its TTL, which may be a day, because it could not be closed at once. Never rejects. */
  async #closeLater(error: unknown): Promise<void> {
    const { clock } = this.#timekeeper;
    const untilMs = clock.nowMs() + this.#ttlMs;
    let failure = error;
    while (!isStopped(failure) && clock.nowMs() < untilMs) {
      await pause(this.#timekeeper, retryAfterMs(this.#ttlMs));
      try {
        await this.#calls.closeSession(this.#id);
        return;
      } catch (thrown) {
        failure = thrown;
      }
    }
  }

  #onNews(news: FollowedState | CoordinationChange): void {
    if (this.#isOver) return;
    if (news.type === 'granted') this.#onGranted(news.request, news.token);
    else if (news.type === 'lost') this.#onLost(news.request);
    else if (news.type === 'ended') this.end();
    else if (news.type === 'state') this.#onStanding(news.value as Standing | null);
  }

  /** Something may have been missed. */
  #onStanding(standing: Standing | null): void {
    if (standing === null) return this.end();
    this.#settleFollowed.resolve();
    if (this.#missingIn(standing).length > 0) {
      this.#isInDoubt = true;
      // Where it cannot be said now, the next renewal asks again.
      this.#compare().catch(() => {});
    }
    for (const { request, token } of standing.claims) if (token > 0) this.#onGranted(request, token);
  }

  /** What is known of now is in a standing that is read from now on. */
  async #compare(): Promise<void> {
    const before = this.#known();
    const standing = await this.#quick.standing(this.#id);
    if (this.#isOver) return;
    if (standing === null) return this.end();
    this.#isInDoubt = false;
    const missing = new Set(this.#missingIn(standing));
    for (const request of before) if (missing.has(request)) this.#onLost(request);
  }

  #missingIn({ claims }: Standing): number[] {
    const claimed = new Set(claims.map(({ request }) => request));
    return this.#known().filter((request) => !claimed.has(request));
  }

  #known(): number[] {
    return [...this.#claims].flatMap(([request, isKnown]) => (isKnown ? [request] : []));
  }

  #confirm(request: number): void {
    if (this.#claims.has(request)) this.#claims.set(request, true);
  }

  #onGranted(request: number, token: number): void {
    this.#confirm(request);
    this.#listener.granted(request, BigInt(token));
  }

  #onLost(request: number): void {
    this.#claims.delete(request);
    this.#listener.lost(request);
  }
}

/** @throws ConclaveError `ERR_NOT_ENCODABLE` when those who look could not be told */
function checkValue(value: unknown): void {
  // As of all locks.
  if (value !== null) codec.encodeInto(value, 'value', VALUE_DEPTH);
}

function isStopped(error: unknown): boolean {
  return error instanceof ConclaveError && error.code === 'ERR_STOPPED';
}

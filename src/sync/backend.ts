/**
 * The port behind locks and elections: where names are held. A back end keeps sessions and claims, and tells what
 * becomes of them; when a holder must give up is decided here, on this side, by what {@link Session} computes from its
 * clock. Types only.
 */

import type { Timekeeper } from '../runtime/timekeeper.js';

/** What a claim asks for. */
export interface ClaimTerms {
  readonly name: string;
  /** How many permits there are of this name. */
  readonly of: number;
  /** How many of them are wanted. */
  readonly permits: number;
  /** Is it to wait until they are free? */
  readonly isWaiting: boolean;
  /** What those see who ask who holds the name. */
  readonly value: unknown;
  /**
   * Who claims it, where that is somebody whose process may begin anew: it has at once what the same owner holds in a
   * session of before, with a new token, and that one has lost it.
   */
  readonly owner?: string;
}

/**
 * The fencing token of a claim that was granted; `waiting`: {@link SessionListener.granted} tells when it is. Otherwise
 * the claim has changed nothing: `busy`, not free at present; `ended`, the session is over; `other permits`, those who
 * claim the name say that there are more or fewer of them; `too many`, there is no room for more claims.
 */
export type ClaimOutcome = bigint | 'waiting' | 'busy' | 'ended' | 'other permits' | 'too many';

/** Who holds a name, the first of them. */
export interface Holder {
  readonly token: bigint;
  readonly value: unknown;
}

/**
 * What happens to a session without its asking. Each may be told more than once, and before the answer to what led to
 * it.
 */
export interface SessionListener {
  granted(request: number, token: bigint): void;
  /** This claim is there no longer, although the session is. */
  lost(request: number): void;
  /** Somebody else is to be preferred, who asks that it be given up. It holds all the same. */
  asked(request: number): void;
  /** The session is over, with all its claims. Nothing is told after it. */
  ended(): void;
}

export interface BackendSession {
  /**
   * Puts off the end of the session to a TTL after it is made; the time at which it was called is what the caller
   * counts from. False: the session is over. Rejects when it is not known whether it was done.
   */
  renew(): Promise<boolean>;
  /**
   * `request` is the session's own number of the claim, used once. Rejects when it is not known whether it was made.
   */
  claim(request: number, terms: ClaimTerms): Promise<ClaimOutcome>;
  /** Gives up a claim, granted or waiting, or made and not yet answered; nothing if there is none. */
  giveUp(request: number): Promise<void>;
  /** Says something else to those who look. False: the claim does not hold (any more). */
  proclaim(request: number, value: unknown): Promise<boolean>;
  /** Ends the session and gives up all its claims. Its listener is told nothing more. */
  close(): Promise<void>;
}

export interface SyncBackend {
  readonly timekeeper: Timekeeper;
  /** Opens a session that ends unless it is renewed within each TTL. */
  openSession(ttlMs: number, listener: SessionListener): Promise<BackendSession>;
  /**
   * Calls `onHolder` with who holds a name, at first and at each change, in order; intermediate holders may be left
   * out. Calls `onEnd` once, when it cannot go on; neither before it has returned. Returns what ends it without a word.
   */
  observe(name: string, onHolder: (holder: Holder | null) => void, onEnd: (error: unknown) => void): () => void;
}

/** What is known of a name that somebody holds or has held. */
export interface NameSight {
  /** The first of those who hold it now. */
  readonly holder: { readonly token: bigint; readonly owner: string } | null;
}

/** A back end that can also be asked about a name, as the sidecar needs. */
export interface SightedBackend extends SyncBackend {
  /** Null: nobody ever held it, as far as is known. Rejects when that cannot be said within `timeoutMs`. */
  look(name: string, timeoutMs: number): Promise<NameSight | null>;
}

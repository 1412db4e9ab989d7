/**
 * What a client of `sidecar(url)` and its sidecar say to each other, on a connection that HTTP has been asked for by
 * CONNECT. A client asks in order, and is answered in whichever; what it is told without asking names what it is about.
 * Types, names and a limit that both sides keep to; no more.
 */

import type { PlainError } from '../../errors.js';
import type { ClaimOutcome, ClaimTerms, Holder } from '../backend.js';

/**
 * What CONNECT asks for; another version of the protocol has another number. It is not asked for by an upgrade, for
 * then every request that offers one to whatever else would have to be understood.
 */
export const SESSIONS_AUTHORITY = 'conclave-sync:1';

/** Commands of one client whose answers are on their way: a sidecar parts from who asks for more. */
export const COMMANDS_MAX = 10_000;

/** `session` is the client's own number for it, used once on a connection; so is `request`, in its session. */
export type Command =
  | { readonly type: 'openSession'; readonly session: number; readonly ttlMs: number }
  | { readonly type: 'renew'; readonly session: number }
  | { readonly type: 'claim'; readonly session: number; readonly request: number; readonly terms: ClaimTerms }
  | { readonly type: 'giveUp'; readonly session: number; readonly request: number }
  | { readonly type: 'proclaim'; readonly session: number; readonly request: number; readonly value: unknown }
  | { readonly type: 'closeSession'; readonly session: number }
  | { readonly type: 'observe'; readonly observation: number; readonly name: string }
  | { readonly type: 'unobserve'; readonly observation: number };

/** What commands are answered with. */
export interface Results {
  readonly openSession: null;
  readonly renew: boolean;
  readonly claim: ClaimOutcome;
  readonly giveUp: null;
  readonly proclaim: boolean;
  readonly closeSession: null;
  readonly observe: null;
  readonly unobserve: null;
}

/** `id`: by which it is answered. */
export interface Question {
  readonly id: number;
  readonly command: Command;
}

export type Answer =
  | { readonly type: 'done'; readonly id: number; readonly result: unknown }
  | { readonly type: 'failed'; readonly id: number; readonly error: PlainError };

export type News =
  | { readonly type: 'granted'; readonly session: number; readonly request: number; readonly token: bigint }
  | { readonly type: 'lost'; readonly session: number; readonly request: number }
  | { readonly type: 'asked'; readonly session: number; readonly request: number }
  | { readonly type: 'ended'; readonly session: number }
  | { readonly type: 'holder'; readonly observation: number; readonly holder: Holder | null }
  | { readonly type: 'unobserved'; readonly observation: number; readonly error: PlainError };

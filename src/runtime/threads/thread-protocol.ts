/**
 * What crosses between threads, as two unions: what a link's two ends tell each other about their actors' messages, and
 * what a worker tells its host besides answering the host's calls. Plain data only; nothing here does anything.
 */

import type { PlainError } from '../../errors.js';
import type { LogLevel } from '../logger.js';

/**
 * One record of a link. A post carries an array of records in the order in which they were made, so that whatever two
 * actors see of each other is in order: messages, answers and ends.
 *
 * The first group goes from who calls to who is called, the second the other way, the third either way; a link carries
 * all of them in both directions.
 */
export type LinkRecord =
  /** Messages told to one actor, oldest first. */
  | [kind: 'tells', actor: string, ...messages: unknown[]]
  /** An ask. `id` is unique among the sender's asks on this link. */
  | [kind: 'ask', actor: string, id: number, message: unknown]
  /** Nobody waits for the answer to this ask any more. */
  | [kind: 'abandon', id: number]
  /** Asks for a `terminated`. `id` is unique among the sender's watches on this link. */
  | [kind: 'watch', actor: string, id: number]
  | [kind: 'unwatch', id: number]
  /** The answers to an ask, of which there is exactly one unless it was abandoned. */
  | [kind: 'ok', id: number, value: unknown]
  | [kind: 'fail', id: number, error: PlainError]
  /** Answers a watch, once. */
  | [kind: 'terminated', id: number, reason: PlainError | undefined]
  /** So many of the messages sent to this actor have left its mailbox: as many more may be sent. */
  | [kind: 'handled', actor: string, count: number]
  /** How many messages may wait for this actor, where it is not the default; again when it has stopped. */
  | [kind: 'mailbox', actor: string, max: number]
  /** The last record: this end's system has stopped, or failed with an error. */
  | [kind: 'bye', error: PlainError | undefined];

/** What a worker tells its host of its own accord. */
export type ThreadNotice =
  | {
      readonly kind: 'log';
      readonly level: LogLevel;
      readonly details: object;
      readonly message: string;
    }
  /** The thread is about to exit because of this error. */
  | { readonly kind: 'failed'; readonly error: PlainError };

/** What a promise does to its thread that rejects while nobody waits for it: ends it, or is only logged. */
export type UnhandledRejections = 'fatal' | 'logged';

/** What a worker is started with. */
export interface ThreadData {
  readonly name: string;
  /** Does anybody read the log? If not, lines are not sent. */
  readonly isLogged: boolean;
  readonly unhandledRejections: UnhandledRejections;
}

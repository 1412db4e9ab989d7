/**
 * Knows in which order writes have changed an object, by version numbers in their answers, and judges what reads see:
 * `local` ones against what their own node has shown before, the others against everything that was answered. Judges
 * each answer as it comes, in constant time.
 */

import { isDeepStrictEqual } from 'node:util';
import type { Consistency } from '../../actors/replicated/call.js';
import { assert } from '../../assert.js';

/**
 * What an answer tells of the state that it was given from. The version is the number of writes that this state has
 * come through, the answered one included; an object under test counts them, and returns the count with every result.
 */
export interface VersionedAnswer {
  readonly version: number;
  /** What was asked, as text, and what the answer was: the same question at the same version has the same answer. */
  readonly query?: string;
  readonly result?: unknown;
}

/** What is wrong with an answer. */
export interface SessionOrderViolation {
  readonly kind:
    /** It shows an older state than an earlier read of its session. */
    | 'backwards'
    /** It does not show what its session has written before. */
    | 'ownWriteMissed'
    /** A read that is not local, and does not show what any answer had shown before it was made. */
    | 'stale'
    /** A write that others had seen, or come after, before it was asked for. */
    | 'fromTheFuture'
    /** Two writes have led to the same version. */
    | 'sameVersion'
    /** Two answers to one question differ, although the version is the same. */
    | 'disagreement';
  readonly session: string;
  readonly version: number;
  readonly explanation: string;
}

/** What was known when a call was made. */
interface OpenCall {
  readonly session: string;
  /** The highest version of any answer, of any of the call's own session, and of its writes' answers. */
  readonly seen: number;
  readonly seenBySession: number;
  readonly writtenBySession: number;
}

interface Highest {
  seen: number;
  written: number;
}

/** More are not kept: one broken promise breaks many answers. */
const VIOLATIONS_MAX = 100;

/**
 * Judges versions: what a node has shown is committed, so every read that is not local has to show it from then on. A
 * session is whatever promises that its reads never run backwards: one life of a node, for a node that starts again
 * begins with what its disk has.
 *
 * @example
 * const oracle = new SessionOrderOracle();
 * const write = oracle.call('node 1');
 * oracle.wrote(write, { version: 1 });
 * const read = oracle.call('node 1');
 * oracle.read(read, 'local', { version: 0 });
 * oracle.violations.map(({ kind }) => kind); // ['ownWriteMissed']
 */
export class SessionOrderOracle {
  readonly #violations: SessionOrderViolation[] = [];
  readonly #open = new Map<number, OpenCall>();
  readonly #sessions = new Map<string, Highest>();
  /** The highest version of any answer. */
  #seen = 0;
  /** The session that has written each version. */
  readonly #writers = new Map<number, string>();
  /** By version and question. */
  readonly #results = new Map<string, unknown>();
  #calls = 0;

  /** The first violations, at most 100. */
  get violations(): readonly SessionOrderViolation[] {
    return this.#violations;
  }

  /** A call is about to be made, a write or a read. Returns what names it. */
  call(session: string): number {
    const own = this.#sessions.get(session);
    this.#calls += 1;
    this.#open.set(this.#calls, {
      session,
      seen: this.#seen,
      seenBySession: own?.seen ?? 0,
      writtenBySession: own?.written ?? 0,
    });
    return this.#calls;
  }

  /** The call was a write, and its answer came from the state after it. */
  wrote(call: number, answer: VersionedAnswer): void {
    const { session, seen } = this.#take(call);
    const { version } = answer;
    if (version <= seen) {
      this.#violated('fromTheFuture', session, version, `version ${seen} was known before it was asked for`);
    }
    const writer = this.#writers.get(version);
    if (writer !== undefined) this.#violated('sameVersion', session, version, `${writer} has written it, too`);
    this.#writers.set(version, session);
    this.#remember(session, answer, 'write');
  }

  /** The call was a read with this consistency. */
  read(call: number, consistency: Consistency, answer: VersionedAnswer): void {
    const { session, seen, seenBySession, writtenBySession } = this.#take(call);
    const { version } = answer;
    if (version < writtenBySession) {
      this.#violated('ownWriteMissed', session, version, `the session had written version ${writtenBySession} before`);
    } else if (version < seenBySession) {
      this.#violated('backwards', session, version, `the session had seen version ${seenBySession} before`);
    } else if (consistency !== 'local' && version < seen) {
      this.#violated('stale', session, version, `version ${seen} had been shown before this read was made`);
    }
    this.#remember(session, answer, 'read');
  }

  /** The call has ended without an answer. */
  failed(call: number): void {
    this.#take(call);
  }

  #take(call: number): OpenCall {
    const open = this.#open.get(call);
    assert(open !== undefined, 'a call ends once');
    this.#open.delete(call);
    return open;
  }

  #remember(session: string, { version, query, result }: VersionedAnswer, by: 'write' | 'read'): void {
    const own = this.#sessions.get(session) ?? { seen: 0, written: 0 };
    this.#sessions.set(session, own);
    own.seen = Math.max(own.seen, version);
    if (by === 'write') own.written = Math.max(own.written, version);
    this.#seen = Math.max(this.#seen, version);
    if (query === undefined) return;
    const key = `${version} ${query}`;
    if (!this.#results.has(key)) this.#results.set(key, result);
    else if (!isDeepStrictEqual(this.#results.get(key), result)) {
      this.#violated('disagreement', session, version, `another answer to ${query} at this version was different`);
    }
  }

  #violated(kind: SessionOrderViolation['kind'], session: string, version: number, why: string): void {
    if (this.#violations.length >= VIOLATIONS_MAX) return;
    this.#violations.push({
      kind,
      session,
      version,
      explanation: `${session} was answered version ${version}: ${why}.`,
    });
  }
}

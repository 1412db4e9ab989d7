/**
 * Acquires what a name stands for, by a session that lasts as long as is asked for: waits its turn, begins anew when
 * its session has ended meanwhile, and gives back what crosses a caller who no longer waits. On the caller's thread.
 */

import { ConclaveError } from '../errors.js';
import type { ClaimOutcome, ClaimTerms, SyncBackend } from './backend.js';
import { Held, type HeldClaim } from './held.js';
import { LeaderFeed } from './leader-feed.js';
import { Patience, type WaitOptions } from './patience.js';
import { Session, type Claimant } from './session.js';

/** How many different TTLs there may be at a time: each has a session of its own. */
const SESSIONS_MAX = 100;
/** A session that ends is followed by another one at once, but no sooner than so long after this was done last. */
const BEGIN_ANEW_MS = 100;

interface Opening {
  readonly opened: Promise<Session>;
  /** The same, for those who claim by it: it rejects as soon as nobody may any more. */
  readonly usable: Promise<Session>;
  readonly refuse: (reason: ConclaveError) => void;
}

export class Claiming {
  readonly backend: SyncBackend;
  /** By TTL. */
  readonly #sessions = new Map<number, Opening>();
  readonly #feeds = new Set<LeaderFeed>();
  #isClosed = false;

  constructor(backend: SyncBackend) {
    this.backend = backend;
  }

  /** Waits until it is granted. `make` makes the Held. */
  async acquire<H extends Held>(
    terms: ClaimTerms,
    ttlMs: number,
    options: WaitOptions,
    make: (claim: HeldClaim) => H,
  ): Promise<H> {
    const held = await this.#claim({ ...terms, isWaiting: true }, ttlMs, options, make);
    if (held === null) throw new ConclaveError('ERR_ASSERTION', 'a claim that waits is never refused as busy');
    return held;
  }

  /** Null: it is not free at present. */
  tryAcquire<H extends Held>(
    terms: ClaimTerms,
    ttlMs: number,
    options: WaitOptions,
    make: (claim: HeldClaim) => H,
  ): Promise<H | null> {
    return this.#claim({ ...terms, isWaiting: false }, ttlMs, options, make);
  }

  /** Tells who holds a name, until it is left or the signal is aborted. */
  observe(name: string, signal: AbortSignal | null): LeaderFeed {
    const feed = new LeaderFeed(this.backend, name, signal, (over) => this.#feeds.delete(over));
    if (!feed.isOver) this.#feeds.add(feed);
    if (this.#isClosed) feed.end(closed());
    return feed;
  }

  /**
   * Ends all sessions; what is held is lost, who waits is told. Resolves when the back end knows, as far as it can be
   * told.
   */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const feed of [...this.#feeds]) feed.end(closed());
    const letGo = this.backend.timekeeper.holdProcess?.();
    const sessions = [...this.#sessions.values()];
    for (const { refuse } of sessions) refuse(closed());
    await Promise.allSettled(sessions.map(async ({ opened }) => (await opened).close()));
    letGo?.();
  }

  async #claim<H extends Held>(
    terms: ClaimTerms,
    ttlMs: number,
    options: WaitOptions,
    make: (claim: HeldClaim) => H,
  ): Promise<H | null> {
    const { timekeeper } = this.backend;
    const patience = new Patience(options, terms.name, timekeeper);
    const letGo = timekeeper.holdProcess?.();
    let anewMs = -Infinity;
    try {
      for (;;) {
        const session = await patience.wait(this.#session(ttlMs));
        const attempt = new Attempt(session, terms, ttlMs, this.backend, make);
        let outcome: H | ClaimOutcome;
        try {
          outcome = await patience.wait(attempt.outcome);
        } catch (error) {
          attempt.abandon();
          throw error;
        }
        if (outcome instanceof Held) return outcome;
        if (outcome === 'busy') return null;
        if (outcome === 'other permits') throw permitsDiffer(terms);
        if (outcome === 'too many') throw new ConclaveError('ERR_QUEUE_FULL', 'There are too many claims already.');
        // Sessions that end as they begin would leave neither timers nor anything else a turn.
        if (timekeeper.clock.nowMs() - anewMs < BEGIN_ANEW_MS) await patience.pause(BEGIN_ANEW_MS);
        anewMs = timekeeper.clock.nowMs();
      }
    } finally {
      patience.end();
      letGo?.();
    }
  }

  #session(ttlMs: number): Promise<Session> {
    if (this.#isClosed) return Promise.reject(closed());
    const known = this.#sessions.get(ttlMs);
    if (known !== undefined) return known.usable;
    if (this.#sessions.size >= SESSIONS_MAX) return Promise.reject(tooManyTtls());
    const forget = (): void => {
      if (this.#sessions.get(ttlMs) === opening) this.#sessions.delete(ttlMs);
    };
    const opening = beginOpening(Session.open(this.backend, ttlMs, forget));
    this.#sessions.set(ttlMs, opening);
    opening.opened.then((session) => session.isOver && forget(), forget);
    return opening.usable;
  }
}

function beginOpening(opened: Promise<Session>): Opening {
  let refuse: Opening['refuse'] = () => {};
  const usable = new Promise<Session>((resolve, reject) => {
    refuse = reject;
    opened.then(resolve, reject);
  });
  // Whoever has asked for it may have given up by then.
  usable.catch(() => {});
  return { opened, usable, refuse };
}

/** One claim, by one session. */
class Attempt<H extends Held> implements Claimant {
  /** What came of it; `ended`: it is to be made again, by another session. */
  readonly outcome: Promise<H | ClaimOutcome>;
  readonly #session: Session;
  readonly #request: number;
  readonly #make: (token: bigint) => H;
  #settle: (outcome: H | ClaimOutcome) => void = () => {};
  #held: H | null = null;

  constructor(
    session: Session,
    terms: ClaimTerms,
    ttlMs: number,
    { timekeeper }: SyncBackend,
    make: (claim: HeldClaim) => H,
  ) {
    this.#session = session;
    this.#make = (token) => {
      return make({
        session,
        request: this.#request,
        token,
        ttlMs,
        timekeeper,
      });
    };
    let fail: (error: unknown) => void = () => {};
    this.outcome = new Promise((resolve, reject) => {
      this.#settle = resolve;
      fail = reject;
    });
    const { request, outcome } = session.claim(terms, this);
    this.#request = request;
    const onAnswer = (answer: ClaimOutcome): void => {
      // A token comes with being granted.
      if (typeof answer === 'string' && answer !== 'waiting') this.#settle(answer);
    };
    outcome.then(onAnswer, fail);
  }

  granted(token: bigint): void {
    this.#held = this.#make(token);
    this.#settle(this.#held);
  }

  lost(reason: ConclaveError): void {
    this.#held?.lose(reason);
  }

  asked(): void {
    this.#held?.ask();
  }

  ended(): void {
    this.#settle('ended');
  }

  /** Nobody waits for it any more: it is given up, or back. */
  abandon(): void {
    if (this.#held === null) void this.#session.giveUp(this.#request);
    else void this.#held.release();
  }
}

function permitsDiffer({ name, of }: ClaimTerms): ConclaveError {
  return new ConclaveError(
    'ERR_PERMITS_DIFFER',
    `Those who use ${name} have said that there are more or fewer than ${of} permits.`,
    { data: { name, permits: of } },
  );
}

function closed(): ConclaveError {
  return new ConclaveError('ERR_STOPPED', 'This connection to locks and elections was closed.', {
    mayBeApplied: false,
  });
}

function tooManyTtls(): ConclaveError {
  return new ConclaveError('ERR_QUEUE_FULL', `There are ${SESSIONS_MAX} different TTLs in use already.`, {
    data: { limit: 'TTLs', max: SESSIONS_MAX },
  });
}

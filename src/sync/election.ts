/**
 * Elections: one of those who campaign leads, until it resigns or is lost. On the caller's thread. What is led is the
 * user's function, and leadership is given up only after that has settled.
 */

import { PERMITS_MAX } from '../actors/coordination/coordination.js';
import { ConclaveError } from '../errors.js';
import type { ClaimTerms } from './backend.js';
import type { Claiming } from './claiming.js';
import { Held, type HeldClaim } from './held.js';
import type { Leader } from './leader-feed.js';
import { checkKnown, checkName, checkTtl, checkWaiting, invalid } from './option-checks.js';
import type { WaitOptions } from './patience.js';
import { pause } from './pause.js';
import { retryAfterMs } from './retry-after.js';

/** Who stands for election. */
export interface ElectionOptions {
  /** Who this is, for those who observe. */
  readonly id: string;
  /** What those see who observe, until something else is proclaimed: where the leader is reached, for instance. */
  readonly value?: unknown;
  /** A leader that is not heard of for this long has lost, in milliseconds: from 100 to a day. Default: 15,000. */
  readonly ttlMs?: number;
}

/** Leadership, from its beginning to its end; see {@link Held}. */
export class Leading extends Held {
  readonly #id: string;

  /** @internal */
  constructor(claim: HeldClaim, id: string) {
    super(claim);
    this.#id = id;
  }

  /**
   * Changes what those see who observe.
   *
   * @throws ConclaveError `ERR_LOCK_LOST` when it does not lead any more
   */
  async proclaim(value: unknown): Promise<void> {
    if (await this.proclaimValue({ id: this.#id, value })) return;
    throw new ConclaveError('ERR_LOCK_LOST', 'Who does not lead any more has nothing to proclaim.', {
      data: { reason: 'not held' },
    });
  }

  /** Gives up leadership. The same as `release()`. */
  resign(): Promise<void> {
    return this.release();
  }
}

/** What the function of {@link Election.run} is given. */
export interface Term {
  /** Greater than that of every term before. */
  readonly token: bigint;
  /** Aborted when leadership is lost, and when `run` is to end. */
  readonly signal: AbortSignal;
  /** Does it lead? Computed from the clock. */
  readonly held: boolean;
  readonly expiresInMs: number;
  proclaim(value: unknown): Promise<void>;
}

/** An election, and one who stands in it. */
export class Election {
  readonly name: string;
  readonly id: string;
  readonly #claiming: Claiming;
  readonly #terms: ClaimTerms;
  readonly #ttlMs: number;

  /** @internal */
  constructor(claiming: Claiming, name: string, options: ElectionOptions) {
    checkKnown(options, ['id', 'value', 'ttlMs']);
    const { id, value = null, ttlMs } = options;
    if (typeof id !== 'string' || id === '') throw invalid('id', 'must be a string that says who this is');
    this.#claiming = claiming;
    this.name = checkName(name);
    this.id = id;
    this.#ttlMs = checkTtl(ttlMs);
    const all = PERMITS_MAX;
    this.#terms = { name: `election/${name}`, of: all, permits: all, isWaiting: true, value: { id, value } };
  }

  /**
   * Waits until it leads.
   *
   * @throws ConclaveError as {@link Lock.acquire}
   */
  async campaign(options: WaitOptions = {}): Promise<Leading> {
    const make = (claim: HeldClaim): Leading => new Leading(claim, this.id);
    return this.#claiming.acquire(this.#terms, this.#ttlMs, checkWaiting(options), make);
  }

  /**
   * Leads whenever it is elected: campaigns, runs `lead`, and campaigns again after a loss, or after it was asked to
   * step down (`term.signal` is aborted, and leadership given up when `lead` has settled), once `lead` has settled.
   * When `lead` returns while it still leads, leadership is given up, and `run` resolves. The signal ends it:
   * `term.signal` is aborted, and when `lead` has settled, leadership is given up, and `run` resolves.
   *
   * @throws what `lead` throws, other than because `term.signal` was aborted; ConclaveError `ERR_STOPPED` when the
   *   connection or its runtime was stopped, `ERR_FORBIDDEN` when Leases have been refused to it for ten seconds,
   *   `ERR_INVALID_OPTION`
   *
   * @example
   * const stopping = new AbortController();
   * process.once('SIGTERM', () => stopping.abort());
   * const election = sync.election('scheduler', { id: 'server A', value: 'http://a:8080' });
   * await election.run(
   *   async (term) => {
   *     while (!term.signal.aborted) console.log('schedules', term.token);
   *   },
   *   { signal: stopping.signal },
   * );
   */
  async run(lead: (term: Term) => unknown, options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    if (typeof lead !== 'function') throw invalid('lead', 'must be a function');
    checkKnown(options, ['signal']);
    const { signal } = checkWaiting(options);
    const letGo = this.#claiming.backend.timekeeper.holdProcess?.();
    try {
      for (;;) {
        const leading = await this.#campaignOn(signal);
        if (leading === null) return;
        const hasLost = await leadWhileHeld(leading, lead, signal);
        if (!hasLost) return;
      }
    } finally {
      letGo?.();
    }
  }

  /**
   * Who leads (null: nobody), at first and whenever that changes, or what the leader proclaims. Never an older leader
   * after a newer one; one who reads slowly is told the latest. It says what is known here, which may be over already.
   *
   * The reader is told `ERR_ABORTED` by the signal, `ERR_STOPPED` when the connection or its runtime is stopped.
   *
   * @example
   * for await (const leader of sync.election('scheduler', { id: 'watcher' }).observe({ signal })) {
   *   console.log(leader === null ? 'nobody leads' : `${leader.id} at ${String(leader.value)}`);
   * }
   */
  observe(options: { readonly signal?: AbortSignal } = {}): AsyncIterableIterator<Leader | null, undefined, undefined> {
    checkKnown(options, ['signal']);
    const { signal } = checkWaiting(options);
    return this.#claiming.observe(this.#terms.name, signal ?? null);
  }

  /** Campaigns for as long as it takes. Null: the signal was aborted. */
  async #campaignOn(signal: AbortSignal | undefined): Promise<Leading | null> {
    for (;;) {
      try {
        return await this.campaign(signal === undefined ? {} : { signal });
      } catch (error) {
        if (signal?.aborted === true) return null;
        if (!(error instanceof ConclaveError) || !PASSES.has(error.code)) throw error;
      }
      await pause(this.#claiming.backend.timekeeper, retryAfterMs(this.#ttlMs), signal);
    }
  }
}

/** What keeps one from campaigning, and does not last. */
const PASSES: ReadonlySet<string> = new Set([
  'ERR_NO_LEADER',
  'ERR_TIMEOUT',
  'ERR_UNREACHABLE',
  'ERR_QUEUE_FULL',
  'ERR_SESSION_EXPIRED',
  'ERR_OBJECT_FAILED',
  'ERR_RESULT_LOST',
  'ERR_MAILBOX_FULL',
]);

/**
 * Runs `lead`, and resigns when it has settled. Was leadership lost or asked for meanwhile, and is there to be another
 * try?
 */
async function leadWhileHeld(
  leading: Leading,
  lead: (term: Term) => unknown,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const ending = new AbortController();
  const onLost = (): void => ending.abort(leading.signal.reason);
  const onStop = (): void => ending.abort(signal!.reason);
  let wasAsked = false;
  leading.once('asked', () => {
    wasAsked = true;
    ending.abort(new ConclaveError('ERR_ABORTED', 'Somebody else is to lead, and asks for it.'));
  });
  leading.signal.addEventListener('abort', onLost, { once: true });
  signal?.addEventListener('abort', onStop, { once: true });
  // Either may have come in between.
  if (leading.signal.aborted) onLost();
  if (signal?.aborted === true) onStop();
  try {
    await lead(termOf(leading, ending.signal));
  } catch (error) {
    if (!isBecauseOf(error, ending.signal)) throw error;
  } finally {
    signal?.removeEventListener('abort', onStop);
    await leading.resign();
  }
  return (leading.signal.aborted || wasAsked) && signal?.aborted !== true;
}

function termOf(leading: Leading, signal: AbortSignal): Term {
  return {
    token: leading.token,
    signal,
    get held() {
      return leading.held;
    },
    get expiresInMs() {
      return leading.expiresInMs;
    },
    proclaim: (value) => leading.proclaim(value),
  };
}

/** Has a function ended with this error because its signal was aborted? */
function isBecauseOf(error: unknown, { aborted, reason }: AbortSignal): boolean {
  if (!aborted) return false;
  if (error === reason) return true;
  if (!(error instanceof Error)) return false;
  const isAbort = error instanceof ConclaveError && ['ERR_ABORTED', 'ERR_LOCK_LOST'].includes(error.code);
  return isAbort || error.name === 'AbortError' || error.cause === reason;
}

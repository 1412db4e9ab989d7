/**
 * The back end that keeps each name in a Lease of Kubernetes. On the caller's thread. There are no sessions there: one here is a
 * number of Leases that are renewed together. What Leases cannot express it refuses.
 */

import { randomUUID } from 'node:crypto';
import { ConclaveError } from '../../errors.js';
import type { Timekeeper } from '../../runtime/timekeeper.js';
import type {
  BackendSession,
  ClaimOutcome,
  ClaimTerms,
  Holder,
  NameSight,
  SessionListener,
  SightedBackend,
} from '../backend.js';
import { retryAfterMs } from '../retry-after.js';
import { LeaseApiError } from './lease-api.js';
import { LeaseClaim } from './lease-claim.js';
import { leaseNameOfClaim } from './lease-name.js';
import { LeaseQueue } from './lease-queue.js';
import { encodeValue, holderIn, holderToShow, ownerIn } from './lease-records.js';
import type { LeaseRequests } from './lease-requests.js';
import { LeaseView } from './lease-view.js';

/** One name, as this client knows it. */
interface NamedLease {
  readonly view: LeaseView;
  readonly queue: LeaseQueue;
}

/** What was seen of so many names is remembered; who only tries learns from that when a holder has died. */
const NAMES_MAX = 10_000;
/** Claims of a session: each that is held costs a request whenever the session is renewed. */
const CLAIMS_MAX = 1_000;
/** How long a claim may take to reach the API server. */
const CALL_TIMEOUT_MS = 10_000;
const REQUEST_MS_MIN = 50;
const REQUEST_MS_MAX = 5_000;

export class LeaseBackend implements SightedBackend {
  readonly identity: string;
  readonly requests: LeaseRequests;
  /** In the order of their last use. */
  readonly #named = new Map<string, NamedLease>();

  constructor(requests: LeaseRequests, identity: string) {
    this.requests = requests;
    this.identity = identity;
  }

  get timekeeper(): Timekeeper {
    return this.requests.timekeeper;
  }

  async openSession(ttlMs: number, listener: SessionListener): Promise<BackendSession> {
    return new LeaseSession(this, ttlMs, listener);
  }

  observe(name: string, onHolder: (holder: Holder | null) => void, onEnd: (error: unknown) => void): () => void {
    const { view } = this.named(name);
    let last = { who: '', token: 0n };
    const stop = view.follow({
      onChange: () => {
        const { lease } = view;
        const who = holderIn(lease);
        if (lease === null || who === null || view.freeInMs <= 0) return onHolder(null);
        const { token, value } = holderToShow(lease);
        // Who has once been shown with a token keeps it, also where somebody else has written in between.
        last = { who, token: who === last.who && last.token > token ? last.token : token };
        onHolder({ token: last.token, value });
      },
      onRefused: (error) => {
        stop();
        onEnd(typed(error, view.name));
      },
    });
    return stop;
  }

  async look(name: string, timeoutMs: number): Promise<NameSight | null> {
    const { view } = this.named(name);
    try {
      const lease = await view.refresh(timeoutMs);
      if (lease === null) return null;
      const owner = ownerIn(lease);
      return { holder: owner === null || view.freeInMs <= 0 ? null : { token: holderToShow(lease).token, owner } };
    } catch (error) {
      throw typed(error, view.name);
    }
  }

  named(name: string): NamedLease {
    let named = this.#named.get(name);
    if (named === undefined) {
      const view = new LeaseView(leaseNameOfClaim(name), this.identity, this.requests);
      named = { view, queue: new LeaseQueue(view, this.requests) };
    }
    this.#named.delete(name);
    this.#named.set(name, named);
    if (this.#named.size > NAMES_MAX) this.#forgetOne();
    return named;
  }

  /** The one that was not used for the longest time. */
  #forgetOne(): void {
    for (const [name, { view }] of this.#named) {
      if (view.isFollowed) continue;
      this.#named.delete(name);
      return;
    }
  }
}

class LeaseSession implements BackendSession {
  readonly #backend: LeaseBackend;
  readonly #ttlMs: number;
  readonly #listener: SessionListener;
  readonly #requestMs: number;
  readonly #claims = new Map<number, { readonly claim: LeaseClaim; readonly named: NamedLease }>();
  #isClosed = false;

  constructor(backend: LeaseBackend, ttlMs: number, listener: SessionListener) {
    this.#backend = backend;
    this.#ttlMs = ttlMs;
    this.#listener = listener;
    this.#requestMs = Math.min(Math.max(ttlMs / 3, REQUEST_MS_MIN), REQUEST_MS_MAX);
  }

  async renew(): Promise<boolean> {
    const sinceMs = this.#backend.timekeeper.clock.nowMs();
    // All are waited for: the session lasts only as long as each of them.
    const renewals = await Promise.allSettled(
      [...this.#claims].map(async ([request, { claim }]) => {
        if (!(await claim.renew(sinceMs))) this.#lose(request);
        else if (claim.isAskedFor) this.#listener.asked(request);
      }),
    );
    const failed = renewals.find(({ status }) => status === 'rejected');
    if (failed !== undefined) throw typed((failed as PromiseRejectedResult).reason, null);
    return !this.#isClosed;
  }

  async claim(request: number, terms: ClaimTerms): Promise<ClaimOutcome> {
    if (terms.permits !== terms.of) throw notSupported(terms.name);
    if (this.#isClosed) return 'ended';
    if (this.#claims.size >= CLAIMS_MAX) return 'too many';
    const named = this.#backend.named(terms.name);
    const claim = this.#newClaim(terms, named.view);
    this.#claims.set(request, { claim, named });
    const outcome = await this.#firstTry(claim, named, terms);
    if (outcome === 'granted') return claim.token;
    if (terms.isWaiting && !claim.isOver) {
      named.queue.add(claim, () => this.#listener.granted(request, claim.token));
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
      throw typed(error, found.named.view.name);
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
      throw typed(error, found.named.view.name);
    }
    if (!found.claim.isOver) this.#lose(request);
    return false;
  }

  /** Gives everything back, as often as it takes within a TTL, after which it is free anyway. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const { clock } = this.#backend.timekeeper;
    const untilMs = clock.nowMs() + this.#ttlMs;
    await Promise.all(
      [...this.#claims.keys()].map(async (request) => {
        while (clock.nowMs() < untilMs) {
          try {
            return await this.giveUp(request);
          } catch {
            await this.#pause(retryAfterMs(this.#ttlMs));
          }
        }
      }),
    );
  }

  /** Tries until the API server has said something. */
  async #firstTry(
    claim: LeaseClaim,
    { view, queue }: NamedLease,
    { isWaiting }: ClaimTerms,
  ): Promise<'granted' | 'busy'> {
    const { clock } = this.#backend.timekeeper;
    const untilMs = clock.nowMs() + CALL_TIMEOUT_MS;
    for (;;) {
      try {
        await view.refresh(this.#requestMs);
        // Those who wait here come first, but for whoever has it already.
        const isNext = queue.isEmpty || claim.isOwners || (claim.isTaken && !isWaiting);
        if (!isNext) return 'busy';
        return await claim.tryTake();
      } catch (error) {
        const isHopeless = !(error instanceof LeaseApiError) || error.failure === 'refused';
        const pauseMs = this.#backend.requests.retryMs(error);
        if (isHopeless || claim.isOver || clock.nowMs() + pauseMs >= untilMs) throw typed(error, view.name);
        await this.#pause(pauseMs);
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

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => void this.#backend.timekeeper.after(ms, resolve));
  }
}

function notSupported(name: string): ConclaveError {
  return new ConclaveError(
    'ERR_NOT_SUPPORTED',
    `${name} cannot be had: a Lease has one holder, so there are no shared locks, and no semaphores of more than one permit.`,
    { data: { name } },
  );
}

/** What the API server says, as users are told. */
function typed(error: unknown, lease: string | null): unknown {
  if (!(error instanceof LeaseApiError)) return error;
  const data = { lease, status: error.status };
  if (error.failure !== 'refused') {
    const mayBeApplied = error.failure === 'unanswered';
    const message = `The API server of Kubernetes cannot be reached, or does not answer as it should: ${error.message}`;
    return new ConclaveError('ERR_UNREACHABLE', message, { data, cause: error, mayBeApplied });
  }
  const isForbidden = error.status === 401 || error.status === 403;
  const hint = isForbidden
    ? ` Its Role needs two rules: create leases; get, update, watch them${lease === null ? '' : `, or at least ${lease}`}.`
    : '';
  const message = `The API server of Kubernetes refuses it: ${error.message}${hint}`;
  return new ConclaveError(isForbidden ? 'ERR_FORBIDDEN' : 'ERR_PROTOCOL', message, { data, cause: error });
}

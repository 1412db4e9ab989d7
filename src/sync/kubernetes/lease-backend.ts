/**
 * The back end that keeps each name in a Lease of Kubernetes. On the caller's thread. There are no sessions there: one
 * here is a number of Leases that are renewed together. What Leases cannot express it refuses.
 */

import type { Timekeeper } from '../../runtime/timekeeper.js';
import type { BackendSession, Holder, NameSight, SessionListener, SightedBackend } from '../backend.js';
import { asConclaveError } from './lease-errors.js';
import { leaseNameOfClaim } from './lease-name.js';
import { LeaseQueue } from './lease-queue.js';
import { holderIn, holderToShow, isOfConclave, ownerIn } from './lease-records.js';
import type { LeaseRequests } from './lease-requests.js';
import { LeaseSession } from './lease-session.js';
import { LeaseView } from './lease-view.js';

/** One name, as this client knows it. */
export interface NamedLease {
  readonly view: LeaseView;
  readonly queue: LeaseQueue;
}

/** What was seen of so many names is remembered; who only tries learns from that when a holder has died. */
const NAMES_MAX = 10_000;

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
    let last = { term: '', token: 0n };
    const stop = view.follow({
      onChange: () => {
        const { lease } = view;
        const who = holderIn(lease);
        if (lease === null || who === null || view.freeInMs <= 0) return onHolder(null);
        const { token, value } = holderToShow(lease);
        const term = `${who} since ${lease.spec.acquireTime ?? ''}`;
        // Who has once been shown with a token keeps it, also where somebody else has written in between; and another
        // program has none but what it was seen with first.
        const keepsToken = term === last.term && (last.token > token || !isOfConclave(lease));
        last = { term, token: keepsToken ? last.token : token };
        onHolder({ token: last.token, value });
      },
      onRefused: (error) => {
        stop();
        onEnd(asConclaveError(error, view.name));
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
      throw asConclaveError(error, view.name);
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

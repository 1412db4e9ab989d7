/**
 * One claim of one name: takes the Lease, keeps it, and gives it back. Whatever it does, it does one after the other,
 * and each write names the version that it follows, so that of all who write only one can. On the caller's thread.
 *
 * A write that was not answered may have been done, or may be done yet. So nothing is granted but by a write that was
 * answered; and a claim that is given up makes sure that no write of its own is still to come: it lets another one
 * follow the same version.
 */

import { LeaseApiError, type Lease } from './lease-api.js';
import { freed, holderIn, ownerIn, proclaimed, renewed, taken, versionOf } from './lease-records.js';
import type { LeaseRequests } from './lease-requests.js';
import type { LeaseView } from './lease-view.js';

export interface LeaseClaimTerms {
  readonly claimName: string;
  readonly value: string;
  /** Of this claim alone: no other one, here or elsewhere, now or later, is called so. */
  readonly holder: string;
  readonly identity: string;
  /** Whose process may begin anew, and has at once what it held before; undefined: nobody's. */
  readonly owner: string | undefined;
  readonly ttlMs: number;
}

/** So often somebody else may write in between before it is left for later. */
const TRIES_MAX = 10;

/** Stands for the version of what is not there. */
const NONE = 0n;

export class LeaseClaim {
  /** It is wanted no more. */
  isOver = false;
  readonly #terms: LeaseClaimTerms;
  readonly #view: LeaseView;
  readonly #requests: LeaseRequests;
  readonly #requestMs: number;
  /** The Lease as this claim has written it last, or read what it has written; null: it does not hold. */
  #own: Lease | null = null;
  #token = 0n;
  /** When the last write was asked for that is known to have been done. */
  #writtenSinceMs = -Infinity;
  /** A write that followed this version has not been answered; null: all have. */
  #unanswered: bigint | null = null;
  /** What it does at present. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(terms: LeaseClaimTerms, view: LeaseView, requests: LeaseRequests, requestMs: number) {
    this.#terms = terms;
    this.#view = view;
    this.#requests = requests;
    this.#requestMs = requestMs;
  }

  /** 0n: it does not hold, as far as it knows. */
  get token(): bigint {
    return this.#own === null ? 0n : this.#token;
  }

  /** Is it this claim's, by what was seen of it last? It may be without having been told so. */
  get isTaken(): boolean {
    return holderIn(this.#view.lease) === this.#terms.holder;
  }

  /** May it be taken, by what was seen of it last? */
  get isTakeable(): boolean {
    return this.isTaken || this.isOwners || this.#view.freeInMs <= 0;
  }

  /** Does the same owner hold it, maybe in a process of before, by what was seen of it last? */
  get isOwners(): boolean {
    return this.#terms.owner !== undefined && ownerIn(this.#view.lease) === this.#terms.owner;
  }

  /** Takes it if it is free, by what was seen of it last. Rejects when it cannot be said: look again first. */
  tryTake(): Promise<'granted' | 'busy'> {
    return this.#inTurn(async () => {
      for (let tries = 0; tries < TRIES_MAX && !this.isOver; tries++) {
        const { lease } = this.#view;
        if (!this.isTakeable) return 'busy';
        try {
          this.#own = await this.#write(lease, this.#taken(lease));
          this.#token = versionOf(this.#own);
          return 'granted';
        } catch (error) {
          if (!isConflict(error)) throw error;
        }
        await this.#view.refresh(this.#requestMs);
      }
      return 'busy';
    });
  }

  /**
   * Keeps it for another duration, counted from a moment not before this one, if it holds it at all. False: it has been
   * taken away. Rejects when it is not known whether it was done.
   */
  renew(sinceMs: number): Promise<boolean> {
    // What it does at present may be to take it: that was asked for earlier.
    return this.#inTurn(async () => {
      if (this.isOver || this.#own === null || this.#writtenSinceMs >= sinceMs) return true;
      return this.#rewrite((own) => renewed(own, this.#token, this.#wallMs));
    });
  }

  /** False: it does not hold it (any more). */
  proclaim(value: string): Promise<boolean> {
    return this.#inTurn(async () => {
      if (this.isOver || this.#own === null) return false;
      return this.#rewrite((own) => proclaimed(own, this.#token, value, this.#wallMs));
    });
  }

  /** Is somebody else to be preferred, by what was read last? */
  get isAskedFor(): boolean {
    const { preferredHolder = '' } = this.#own?.spec ?? {};
    return preferredHolder !== '' && preferredHolder !== this.#terms.identity;
  }

  /**
   * Gives it back, if it is its own, and whatever may become its own yet. Rejects when it is not known whether that was
   * done.
   */
  giveUp(): Promise<void> {
    this.isOver = true;
    return this.#inTurn(async () => {
      for (let tries = 0; tries < TRIES_MAX; tries++) {
        if (this.#own === null && this.#unanswered === null) return;
        const lease = await this.#view.refresh(this.#requestMs);
        const isMine = holderIn(lease) === this.#terms.holder;
        // Whoever may take it may also free it.
        const isToCome = this.#unanswered === (lease === null ? NONE : versionOf(lease));
        if (!isMine && !isToCome) return this.#forget();
        try {
          await this.#write(lease, freed(lease, this.#view.name, this.#wallMs));
          return this.#forget();
        } catch (error) {
          if (!isConflict(error)) throw error;
        }
      }
      throw new LeaseApiError('unanswered', 'Others have written the Lease all the time.');
    });
  }

  /**
   * Writes what is its own anew, also where somebody else has changed something in it. False: it is its own no longer.
   */
  async #rewrite(change: (own: Lease) => Lease): Promise<boolean> {
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      try {
        this.#own = await this.#write(this.#own, change(this.#own!));
        return true;
      } catch (error) {
        if (!isConflict(error)) throw error;
      }
      const lease = await this.#view.refresh(this.#requestMs);
      if (holderIn(lease) !== this.#terms.holder) {
        this.#forget();
        return false;
      }
      this.#own = lease;
    }
    throw new LeaseApiError('unanswered', 'Others have written the Lease all the time.');
  }

  async #write(from: Lease | null, to: Lease): Promise<Lease> {
    const sinceMs = this.#requests.timekeeper.clock.nowMs();
    let written: Lease;
    try {
      written = await this.#requests.write(to, this.#requestMs);
    } catch (error) {
      if (error instanceof LeaseApiError && error.failure === 'unanswered') {
        this.#unanswered = from === null ? NONE : versionOf(from);
      }
      throw error;
    }
    // Whatever followed an older version cannot be done any more.
    this.#unanswered = null;
    this.#writtenSinceMs = sinceMs;
    this.#view.see(written);
    return written;
  }

  #forget(): void {
    this.#own = null;
    this.#unanswered = null;
  }

  #taken(lease: Lease | null): Lease {
    const { holder, owner, claimName, value, ttlMs } = this.#terms;
    return taken(lease, {
      holder,
      owner,
      claimName,
      value,
      leaseName: this.#view.name,
      durationSeconds: Math.ceil(ttlMs / 1_000),
      wallMs: this.#wallMs,
    });
  }

  get #wallMs(): number {
    return this.#requests.timekeeper.clock.wallMs();
  }

  #inTurn<Result>(act: () => Promise<Result>): Promise<Result> {
    const done = this.#last.then(act);
    this.#last = done.catch(() => {});
    return done;
  }
}

function isConflict(error: unknown): boolean {
  return error instanceof LeaseApiError && (error.failure === 'conflict' || error.failure === 'not found');
}

/**
 * Who holds one name, and who waits for it, first come first served. A name has so many permits; a lock that is held
 * exclusively takes all of them, one that is shared takes one, a semaphore what was asked for. Pure, and part of the
 * state of a Coordination: the same on every node.
 */

import { assert } from '../../assert.js';

/** What somebody wants of a name: holds it, or waits for it. */
export interface Claim {
  readonly session: number;
  /** The session's own number for it, which it never uses twice. */
  readonly request: number;
  readonly permits: number;
  /** Greater than that of every claim granted before; 0 while it waits. */
  token: number;
  /** What whoever holds the name says with it, for those who look. */
  value: unknown;
  /** Who claims it, where that is said: who may come again in another session. */
  readonly owner: string | null;
}

/** Names a claim within its line. */
export type ClaimKey = `${number}:${number}`;

export function claimKey(session: number, request: number): ClaimKey {
  return `${session}:${request}`;
}

export class Line {
  /** How many permits there are. Invariant: as many as the holders have, and `#free`. */
  readonly permits: number;
  #free: number;
  /** In the order in which they were granted. */
  readonly #holders = new Map<ClaimKey, Claim>();
  /** In the order in which they came. Invariant: what the first one wants is not free. */
  readonly #waiting = new Map<ClaimKey, Claim>();
  /** Invariant: all claims of `#holders` and `#waiting` that have an owner, each of which has one. */
  readonly #byOwner = new Map<string, Claim>();

  constructor(permits: number) {
    this.permits = permits;
    this.#free = permits;
  }

  get isEmpty(): boolean {
    return this.#holders.size === 0 && this.#waiting.size === 0;
  }

  get holders(): Iterable<Claim> {
    return this.#holders.values();
  }

  get waiting(): Iterable<Claim> {
    return this.#waiting.values();
  }

  get holdersCount(): number {
    return this.#holders.size;
  }

  get waitingCount(): number {
    return this.#waiting.size;
  }

  get(key: ClaimKey): Claim | undefined {
    return this.#holders.get(key) ?? this.#waiting.get(key);
  }

  /** What this owner holds or waits for. */
  claimOf(owner: string): Claim | undefined {
    return this.#byOwner.get(owner);
  }

  /** Could a claim for so many permits be granted at once? Nobody overtakes those who wait. */
  isFreeFor(permits: number): boolean {
    return this.#waiting.size === 0 && permits <= this.#free;
  }

  grant(claim: Claim, token: number): void {
    assert(claim.permits <= this.#free, 'what is granted is free');
    claim.token = token;
    this.#free -= claim.permits;
    this.#holders.set(claimKey(claim.session, claim.request), claim);
    if (claim.owner !== null) this.#byOwner.set(claim.owner, claim);
  }

  enqueue(claim: Claim): void {
    this.#waiting.set(claimKey(claim.session, claim.request), claim);
    if (claim.owner !== null) this.#byOwner.set(claim.owner, claim);
  }

  /** A claim is given up, whether it was granted or waits. Who can be granted what now is free: {@link next}. */
  remove(key: ClaimKey): Claim | undefined {
    const held = this.#holders.get(key);
    if (held !== undefined) this.#free += held.permits;
    const claim = held ?? this.#waiting.get(key);
    this.#holders.delete(key);
    this.#waiting.delete(key);
    if (claim !== undefined && claim.owner !== null) this.#byOwner.delete(claim.owner);
    return claim;
  }

  /** Takes the first of those who wait out of the queue, if what it wants is free. */
  next(): Claim | undefined {
    const first: Claim | undefined = this.#waiting.values().next().value;
    if (first === undefined || first.permits > this.#free) return undefined;
    this.#waiting.delete(claimKey(first.session, first.request));
    return first;
  }
}

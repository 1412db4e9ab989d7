/**
 * What requests about locks come to, whatever carries them: who holds what by way of this sidecar, and what the back
 * end says of all others. On the caller's thread. It answers within a few seconds whether the back end does or not, and
 * never grants what it cannot know.
 */

import { PERMITS_MAX } from '../actors/coordination/coordination.js';
import { Claiming } from '../sync/claiming.js';
import { ConclaveError } from '../errors.js';
import type { SightedBackend } from '../sync/backend.js';
import type { LockName } from './lock-name.js';
import type { LockState } from './lock-json.js';
import { OwnedLock } from './owned-lock.js';

/** Locks that are held or asked for by way of one sidecar. */
export const LOCKS_MAX = 100_000;
/** Requests that wait for a lock. */
export const WAITS_MAX = 10_000;
/** For so long the back end is asked who holds a lock. */
const LOOK_TIMEOUT_MS = 2_000;
/** For so long it is waited for that a lock is given back which had to be claimed first, which takes its time, too. */
const GIVE_BACK_TIMEOUT_MS = 2_000;
/** Locks of others that are remembered, for when the back end is out. */
const SEEN_MAX = 10_000;

export interface LockServiceOptions {
  readonly backend: SightedBackend;
  /** Who holds locks that are asked for here. It outlives the process. */
  readonly identity: string;
  readonly ttlMs: number;
  /** Told what those who ask are not: why the back end has not done, or not said, what it was asked for. */
  readonly onFailure: (error: unknown) => void;
}

/** Did the owner get what it asked for? And how the lock is. */
export interface Outcome {
  readonly isDone: boolean;
  readonly lock: LockState;
}

export interface Waiting {
  /** 0: it does not wait. */
  readonly waitMs: number;
  /** Aborted when nobody waits for the answer any more. Null: it does not wait. */
  readonly signal: AbortSignal | null;
}

export class LockService {
  readonly #backend: SightedBackend;
  readonly #claiming: Claiming;
  readonly #identity: string;
  readonly #ttlMs: number;
  readonly #onFailure: (error: unknown) => void;
  /**
   * By the names of locks as the back end knows them, and by owners. Invariant: nobody is in there without a reason.
   */
  readonly #locks = new Map<string, { readonly name: LockName; readonly owned: Map<string, OwnedLock> }>();
  /** How many there are in `#locks`. */
  #count = 0;
  #waits = 0;
  /**
   * What was heard last of locks that are held elsewhere, by their names; the one that was heard of longest ago first.
   */
  readonly #seen = new Map<string, { readonly owner: string; readonly token: bigint }>();
  /** Is the back end asked who has what was lost? */
  #isSearching = false;
  #isClosed = false;

  constructor({ backend, identity, ttlMs, onFailure }: LockServiceOptions) {
    this.#onFailure = onFailure;
    this.#backend = backend;
    this.#claiming = new Claiming(backend);
    this.#identity = identity;
    this.#ttlMs = ttlMs;
  }

  /** Requests that wait for a lock. */
  get waits(): number {
    return this.#waits;
  }

  /** Locks that somebody holds or asks for here, for each owner. */
  get known(): number {
    return this.#count;
  }

  /** Who asks: the sidecar itself, or one of several who say who they are. */
  ownerOf(client: string | null): string {
    return client === null ? this.#identity : `${this.#identity}/${client}`;
  }

  /** How a lock is; null: there never was one, as far as is known. */
  async get(name: LockName): Promise<LockState | null> {
    for (const owned of this.#ownedOf(name)) if (owned.isHeld) return this.#stateOf(name, owned);
    return this.#look(name);
  }

  /** Renews what the owner holds, from memory; or holds it if it is free, or becomes so within `waitMs`. */
  async hold(name: LockName, owner: string, { waitMs, signal }: Waiting): Promise<Outcome> {
    if (this.#isClosed) return this.#refused(name);
    const known = this.#find(name, owner);
    if (known?.renew() === true) return { isDone: true, lock: this.#stateOf(name, known) };
    if (known === undefined && this.#count >= LOCKS_MAX) return this.#refused(name);
    if (waitMs > 0 && this.#waits >= WAITS_MAX) return this.#refused(name);
    const lock = known ?? this.#add(name, owner);
    if (await this.#acquire(lock, waitMs, signal)) return { isDone: true, lock: this.#stateOf(name, lock) };
    return this.#refused(name);
  }

  /** Holds it for the owner, if it is new. */
  async create(name: LockName, owner: string): Promise<Outcome> {
    const known = await this.get(name);
    if (known !== null) return { isDone: false, lock: known };
    // Another request of the same owner is before this one: two of them are not to be told that it is new.
    if (this.#find(name, owner) !== undefined) return this.#refused(name);
    return this.hold(name, owner, { waitMs: 0, signal: null });
  }

  /** Gives up what the owner holds. Null: there is no such lock. */
  async release(name: LockName, owner: string): Promise<Outcome | null> {
    const owned = this.#find(name, owner);
    if (owned?.isHeld === true) {
      const { token } = owned;
      await owned.release();
      return { isDone: true, lock: this.#free(name, token) };
    }
    // Its place in the queue, if it has one, is given up, too.
    await owned?.release();
    const lock = await this.#look(name);
    if (lock === null) return null;
    const isTaken = owned === undefined && lock.owner === owner && (await this.#takeBack(name, owner));
    return { isDone: isTaken || lock.owner === '', lock: isTaken ? this.#free(name, lock.token) : lock };
  }

  /** What is held by way of this sidecar. */
  held(): LockState[] {
    return [...this.#locks.values()].flatMap(({ name, owned }) =>
      [...owned.values()].filter((lock) => lock.isHeld).map((lock) => this.#stateOf(name, lock)),
    );
  }

  /** Grants nothing more, answers whoever waits, and gives everything back. Never rejects. */
  async close(): Promise<void> {
    this.#isClosed = true;
    // A back end that is out may take longer than whoever stops this waits before it drops connections.
    for (const { owned } of this.#locks.values()) for (const lock of owned.values()) lock.end();
    await this.#claiming.close();
  }

  async #acquire(lock: OwnedLock, waitMs: number, signal: AbortSignal | null): Promise<boolean> {
    if (waitMs === 0 || signal === null) return lock.tryAcquire();
    this.#waits++;
    try {
      return await lock.acquire(waitMs, signal);
    } finally {
      this.#waits--;
    }
  }

  /** Gives up what the owner held before it began anew. False: it does not hold it, or that cannot be said in time. */
  async #takeBack(name: LockName, owner: string): Promise<boolean> {
    const { isDone } = await this.hold(name, owner, { waitMs: 0, signal: null });
    if (isDone) await this.#find(name, owner)?.release(GIVE_BACK_TIMEOUT_MS);
    return isDone;
  }

  async #refused(name: LockName): Promise<Outcome> {
    return { isDone: false, lock: (await this.get(name)) ?? this.#free(name, 0n) };
  }

  /** Asks the back end, or, while it is out, says what was heard last: of a lock that may exist, that it does. */
  async #look(name: LockName): Promise<LockState | null> {
    try {
      const sight = await this.#backend.look(name.claimed, LOOK_TIMEOUT_MS);
      if (sight === null) return null;
      this.#remember(name, sight.holder);
    } catch (error) {
      this.#onFailure(error);
      // Who waits for a lock that was there once must not be told that there is none.
    }
    const { owner, token } = this.#seen.get(name.claimed) ?? NOBODY;
    return owner === '' ? this.#free(name, token) : this.#taken(name, owner, token);
  }

  /**
   * Says so where another process goes by the same identity, which takes for its own all that is held here. One
   * question at a time: where very much is lost at once, the reason is another one.
   */
  async #searchNamesake(name: LockName, owner: string, token: bigint): Promise<void> {
    if (this.#isSearching || this.#isClosed) return;
    this.#isSearching = true;
    try {
      const holder = (await this.#backend.look(name.claimed, LOOK_TIMEOUT_MS))?.holder ?? null;
      // What was asked for again meanwhile, here, is this one's own.
      const isElsewhere = this.#find(name, owner) === undefined;
      if (isElsewhere && holder?.owner === owner && holder.token > token) this.#onFailure(namesake(this.#identity));
    } catch {
      // Who asks for the lock hears of a back end that is out.
    } finally {
      this.#isSearching = false;
    }
  }

  #remember(name: LockName, holder: { readonly owner: string; readonly token: bigint } | null): void {
    const token = this.#seen.get(name.claimed)?.token ?? 0n;
    this.#seen.delete(name.claimed);
    this.#seen.set(name.claimed, holder ?? { owner: '', token });
    if (this.#seen.size > SEEN_MAX) this.#seen.delete(this.#seen.keys().next().value!);
  }

  #stateOf(name: LockName, lock: OwnedLock): LockState {
    const expiresAtMs = this.#wallMs + Math.floor(lock.remainingMs);
    return { name: name.shown, owner: lock.owner, token: lock.token, expiresAtMs };
  }

  /**
   * Somebody else's: it is theirs for as long as they renew it, so for a TTL if nothing is heard of them from now on.
   */
  #taken(name: LockName, owner: string, token: bigint): LockState {
    return { name: name.shown, owner, token, expiresAtMs: this.#wallMs + this.#ttlMs };
  }

  #free(name: LockName, token: bigint): LockState {
    return { name: name.shown, owner: '', token, expiresAtMs: this.#wallMs };
  }

  #find(name: LockName, owner: string): OwnedLock | undefined {
    return this.#locks.get(name.claimed)?.owned.get(owner);
  }

  #ownedOf(name: LockName): Iterable<OwnedLock> {
    return this.#locks.get(name.claimed)?.owned.values() ?? [];
  }

  #add(name: LockName, owner: string): OwnedLock {
    const key = name.claimed;
    const terms = { name: key, of: PERMITS_MAX, permits: PERMITS_MAX, isWaiting: true, value: null, owner };
    const lock: OwnedLock = new OwnedLock(this.#claiming, terms, this.#ttlMs, {
      onIdle: () => this.#forget(name, lock),
      onFailure: this.#onFailure,
      onLost: (token) => void this.#searchNamesake(name, lock.owner, token),
    });
    const known = this.#locks.get(key) ?? { name, owned: new Map<string, OwnedLock>() };
    this.#locks.set(key, known);
    known.owned.set(owner, lock);
    this.#count++;
    return lock;
  }

  #forget({ claimed }: LockName, lock: OwnedLock): void {
    const known = this.#locks.get(claimed);
    if (known?.owned.get(lock.owner) !== lock) return;
    known.owned.delete(lock.owner);
    this.#count--;
    if (known.owned.size === 0) this.#locks.delete(claimed);
  }

  get #wallMs(): number {
    return this.#backend.timekeeper.clock.wallMs();
  }
}

function namesake(identity: string): ConclaveError {
  return new ConclaveError(
    'ERR_LOCK_LOST',
    `A lock that was held here has been taken by another sidecar with the identity ${JSON.stringify(identity)}, too: each of them takes ` +
      'what the other one holds. Give each a name of its own: --identity says which.',
    { data: { reason: 'same identity' } },
  );
}

const NOBODY = { owner: '', token: 0n } as const;

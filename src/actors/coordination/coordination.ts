/**
 * The replicated half of locks, semaphores and elections: sessions, the names that they hold, and the queues in which
 * they wait. Runs on the object's thread, like every replicated object. It reads no clock: that a session has not been
 * renewed for too long is for its keepers to notice, each on its own monotonic clock, and takes effect where `expire`
 * stands in the log.
 */

import { isKeyWatched, tellChange } from '../replicated/command-context.js';
import { query, replicated } from '../replicated/decorators.js';
import { ownHooks } from '../replicated/own-hooks.js';
import { Line, claimKey, type Claim } from './line.js';

/** Sessions at a time. A process has one, however many locks it holds. */
export const SESSIONS_MAX = 10_000;
/** Claims at a time, held or waiting, of all sessions. */
export const CLAIMS_MAX = 1_000_000;
/** Holders of one name that {@link Coordination.look} shows. */
export const HOLDERS_SHOWN_MAX = 100;
/** Names that nobody holds and that are still known to have been held. */
export const FREE_NAMES_MAX = 100_000;
/** Permits of one name: also how many can share a lock. */
export const PERMITS_MAX = 1_000_000;
/** A name in UTF-8: what a user may call something, and room to say what kind of thing it is. */
export const NAME_BYTES_MAX = 528;
export const TTL_MS_MIN = 100;
export const TTL_MS_MAX = 86_400_000;

/** What a claim asks for. */
export interface ClaimTerms {
  /** The session's own number for the claim, which it never uses twice. */
  readonly request: number;
  readonly name: string;
  /** How many permits there are of this name; all who claim it must agree. */
  readonly of: number;
  /** How many of them are wanted. */
  readonly permits: number;
  /** Is it to wait until they are free? */
  readonly isWaiting: boolean;
  /** What is to be seen by those who ask who holds the name. */
  readonly value: unknown;
  /**
   * Who claims it, where that is somebody who may begin anew and have no other session: the claim takes the place of
   * the one that the same owner holds, without anybody in between and with a new token, or waits for.
   */
  readonly owner?: string;
}

/**
 * What became of a claim: its fencing token when it was granted; that it waits; or why it was refused, which changes
 * nothing: not free at present, no such session (any more), other permits than those who hold the name agreed upon, or
 * too many claims.
 */
export type ClaimOutcome = number | 'waiting' | 'busy' | 'no session' | 'other permits' | 'too many';

/** What is told to those who watch a session, by its number, or a name. */
export type CoordinationChange =
  /** A claim of the session that waited has been granted. */
  | { readonly type: 'granted'; readonly key: number; readonly request: number; readonly token: number }
  /** A claim of the session is no more: its owner has claimed the name anew. */
  | { readonly type: 'lost'; readonly key: number; readonly request: number }
  /** The session has ended, and whatever it claimed is given up. */
  | { readonly type: 'ended'; readonly key: number }
  /** Who holds the name, or what a holder says with it, has changed: the first of those who hold it now. */
  | { readonly type: 'held'; readonly key: string; readonly holder: HolderView | null };

/** A session as its keepers see it. */
export type SessionSighting = readonly [session: number, renewals: number, ttlMs: number];

/** What a session has. */
export interface Standing {
  readonly ttlMs: number;
  /** `token` is 0 while it waits. */
  readonly claims: readonly { readonly request: number; readonly token: number }[];
}

/** Who holds a name. */
export interface HolderView {
  readonly session: number;
  /** Of the claim, where it has one, or else of the session. */
  readonly owner: string;
  readonly permits: number;
  readonly token: number;
  readonly value: unknown;
}

export interface NameView {
  /** How many permits there are; 0 while nobody claims the name. */
  readonly permits: number;
  /** The first of them, in the order in which it was granted to them. */
  readonly holders: readonly HolderView[];
  readonly holdersCount: number;
  readonly waitingCount: number;
}

interface Session {
  readonly id: number;
  /** Whose it is: a node, by its name, or whoever has none. */
  readonly owner: string;
  readonly ttlMs: number;
  /** How often it has been renewed: who says that it has expired says as of when. */
  renewals: number;
  /** The names that it claims, by the number of the claim. */
  readonly claims: Map<number, string>;
}

/** What a snapshot starts with. */
interface Head {
  readonly nextSession: number;
  readonly nextToken: number;
}

type SavedSession = readonly [id: number, owner: string, ttlMs: number, renewals: number];
type SavedClaim = readonly [
  session: number,
  request: number,
  permits: number,
  token: number,
  value: unknown,
  owner: string | null,
];
type SavedPart =
  | { readonly sessions: readonly SavedSession[] }
  /** Claims of one line may be in several parts. */
  | { readonly line: string; readonly permits: number; readonly claims: readonly SavedClaim[] }
  | { readonly free: readonly string[] };

/** Items in one part of a snapshot. */
const PART_ITEMS = 1024;

export class Coordination {
  static readonly module: string = import.meta.url;
  /** @internal */
  static readonly [ownHooks] = true;
  /** @internal */
  declare readonly changes: CoordinationChange;
  #nextSession = 1;
  /** Tokens are counted over all names, so a name that was forgotten meanwhile does not begin again. */
  #nextToken = 1;
  readonly #sessions = new Map<number, Session>();
  /** How many claims there are. */
  #claims = 0;
  /** Names that somebody holds. Invariant: none of them is empty, and whoever claims one is in `#sessions`. */
  readonly #lines = new Map<string, Line>();
  /** Names that were held, the one that has been free for longest first. Invariant: disjoint from `#lines`. */
  readonly #free = new Set<string>();

  /**
   * Opens a session, which holds what it claims for as long as it is renewed. Returns its number, which is never used
   * again; or null if there are too many sessions.
   *
   * @internal
   */
  @replicated openSession(owner: string, ttlMs: number): number | null {
    checkOwner(owner);
    checkWhole('ttlMs', ttlMs, TTL_MS_MIN, TTL_MS_MAX);
    if (this.#sessions.size >= SESSIONS_MAX) return null;
    const id = this.#nextSession++;
    this.#sessions.set(id, { id, owner, ttlMs, renewals: 0, claims: new Map() });
    return id;
  }

  /**
   * Puts off the end of a session by its TTL. False if it has ended.
   *
   * @internal
   */
  @replicated renew(session: number): boolean {
    const found = this.#sessions.get(session);
    if (found !== undefined) found.renewals++;
    return found !== undefined;
  }

  /**
   * Ends a session and gives up all that it claims. False if it had ended.
   *
   * @internal
   */
  @replicated closeSession(session: number): boolean {
    const found = this.#sessions.get(session);
    if (found !== undefined) this.#end(found);
    return found !== undefined;
  }

  /**
   * Ends the session, if it has not been renewed since its keeper saw it last: the keeper has waited for its TTL since
   * then, and what it has not seen may have come about meanwhile. Has it ended it?
   *
   * @internal
   */
  @replicated expire(session: number, renewals: number): boolean {
    const found = this.#sessions.get(session);
    if (found === undefined || found.renewals !== renewals) return false;
    this.#end(found);
    return true;
  }

  /**
   * Claims permits of a name for a session.
   *
   * @internal
   */
  @replicated claim(session: number, terms: ClaimTerms): ClaimOutcome {
    const { request, name, of, permits, isWaiting, value, owner = null } = checkTerms(terms);
    const found = this.#sessions.get(session);
    if (found === undefined) return 'no session';
    if (found.claims.has(request)) throw new TypeError('The number of this claim is in use.');
    if (this.#claims >= CLAIMS_MAX) return 'too many';
    const line = this.#lines.get(name) ?? new Line(of);
    if (line.permits !== of) return 'other permits';
    const former = owner === null ? undefined : line.claimOf(owner);
    const had = former === undefined || former.token === 0 ? 0 : former.permits;
    const isFree = permits <= had || line.isFreeFor(permits - had);
    if (!isFree && !isWaiting) return 'busy';
    if (former !== undefined) this.#forget(line, former);
    found.claims.set(request, name);
    this.#claims++;
    this.#lines.set(name, line);
    this.#free.delete(name);
    const claim: Claim = { session, request, permits, token: 0, value, owner };
    if (isFree) {
      line.grant(claim, this.#nextToken++);
      this.#tellHolder(name);
    } else {
      line.enqueue(claim);
    }
    // Those who waited may have waited for nothing but what the former one had.
    if (former !== undefined) this.#grantNext(name, false);
    return claim.token > 0 ? claim.token : 'waiting';
  }

  /**
   * Gives up a claim, granted or waiting. False if there was none.
   *
   * @internal
   */
  @replicated giveUp(session: number, request: number): boolean {
    const found = this.#sessions.get(session);
    const name = found?.claims.get(request);
    if (found === undefined || name === undefined) return false;
    this.#remove(found, request, name);
    return true;
  }

  /**
   * Changes what a granted claim says to those who look. False if it is not granted (any more).
   *
   * @internal
   */
  @replicated proclaim(session: number, request: number, value: unknown): boolean {
    const name = this.#sessions.get(session)?.claims.get(request);
    const claim = name === undefined ? undefined : this.#lines.get(name)!.get(claimKey(session, request));
    if (claim === undefined || claim.token === 0) return false;
    claim.value = value;
    this.#tellHolder(name!);
    return true;
  }

  /**
   * What a session has; null if it has ended.
   *
   * @internal
   */
  @query standing(session: number): Standing | null {
    const found = this.#sessions.get(session);
    if (found === undefined) return null;
    const claims = inOrder(found).map(([request, name]) => {
      return { request, token: this.#lines.get(name)!.get(claimKey(session, request))!.token };
    });
    return { ttlMs: found.ttlMs, claims };
  }

  /**
   * All sessions, as their keepers need them.
   *
   * @internal
   */
  @query sightings(): SessionSighting[] {
    return Array.from(this.#sessions.values(), ({ id, renewals, ttlMs }) => [id, renewals, ttlMs]);
  }

  /**
   * The sessions that this owner has opened.
   *
   * @internal
   */
  @query sessionsOf(owner: string): number[] {
    const found: number[] = [];
    for (const session of this.#sessions.values()) if (session.owner === owner) found.push(session.id);
    return found;
  }

  /**
   * Who holds a name and how many wait for it; null if nobody ever did, as far as is known.
   *
   * @internal
   */
  @query look(name: string): NameView | null {
    const line = this.#lines.get(name);
    if (line === undefined) {
      return this.#free.has(name) ? { permits: 0, holders: [], holdersCount: 0, waitingCount: 0 } : null;
    }
    const holders: HolderView[] = [];
    for (const claim of line.holders) {
      if (holders.length >= HOLDERS_SHOWN_MAX) break;
      holders.push(this.#view(claim));
    }
    const { permits, holdersCount, waitingCount } = line;
    return { permits, holders, holdersCount, waitingCount };
  }

  /**
   * Names that somebody holds, in no order that means anything; those that begin with `prefix`, at most `max` of them.
   *
   * @internal
   */
  @query names(prefix: string, max: number): string[] {
    const found: string[] = [];
    for (const name of this.#lines.keys()) {
      if (found.length >= max) break;
      if (name.startsWith(prefix)) found.push(name);
    }
    return found;
  }

  /** For snapshots; see {@link restore}. */
  *snapshot(): Iterable<unknown> {
    yield { nextSession: this.#nextSession, nextToken: this.#nextToken };
    const sessions = Array.from(this.#sessions.values(), ({ id, owner, ttlMs, renewals }): SavedSession => {
      return [id, owner, ttlMs, renewals];
    });
    for (const part of parts(sessions)) yield { sessions: part };
    for (const [line, { permits, holders, waiting }] of this.#lines) {
      const claims = [...holders, ...waiting].map((claim): SavedClaim => {
        return [claim.session, claim.request, claim.permits, claim.token, claim.value, claim.owner];
      });
      for (const part of parts(claims)) yield { line, permits, claims: part };
    }
    for (const part of parts([...this.#free])) yield { free: part };
  }

  /** Brings back what {@link snapshot} gave. */
  async restore(state: AsyncIterable<unknown>): Promise<void> {
    let head: Head | null = null;
    for await (const part of state) {
      if (head !== null) this.#restorePart(part as SavedPart);
      else ({ nextSession: this.#nextSession, nextToken: this.#nextToken } = head = part as Head);
    }
  }

  #restorePart(part: SavedPart): void {
    if ('free' in part) {
      for (const name of part.free) this.#free.add(name);
    } else if ('sessions' in part) {
      for (const [id, owner, ttlMs, renewals] of part.sessions) {
        this.#sessions.set(id, { id, owner, ttlMs, renewals, claims: new Map() });
      }
    } else {
      const line = this.#lines.get(part.line) ?? new Line(part.permits);
      this.#lines.set(part.line, line);
      for (const [session, request, permits, token, value, owner] of part.claims) {
        const claim: Claim = { session, request, permits, token: 0, value, owner };
        if (token === 0) line.enqueue(claim);
        else line.grant(claim, token);
        this.#sessions.get(session)!.claims.set(request, part.line);
        this.#claims++;
      }
    }
  }

  #end(session: Session): void {
    // First, so that nothing that it gives up is granted to another claim of its own.
    this.#sessions.delete(session.id);
    if (isKeyWatched(this, session.id)) tellChange({ type: 'ended', key: session.id } satisfies CoordinationChange);
    this.#claims -= session.claims.size;
    /** By name: was it held? */
    const names = new Map<string, boolean>();
    for (const [request, name] of inOrder(session)) {
      const removed = this.#lines.get(name)!.remove(claimKey(session.id, request))!;
      names.set(name, names.get(name) === true || removed.token > 0);
    }
    for (const [name, wasHeld] of names) this.#grantNext(name, wasHeld);
  }

  #remove(session: Session, request: number, name: string): void {
    session.claims.delete(request);
    this.#claims--;
    const removed = this.#lines.get(name)!.remove(claimKey(session.id, request))!;
    this.#grantNext(name, removed.token > 0);
  }

  /** Its owner has begun anew: whoever it was before is told, if it is still there. */
  #forget(line: Line, { session: key, request }: Claim): void {
    line.remove(claimKey(key, request));
    this.#sessions.get(key)!.claims.delete(request);
    this.#claims--;
    if (isKeyWatched(this, key)) tellChange({ type: 'lost', key, request } satisfies CoordinationChange);
  }

  /** Something of this name has been given up, and it may have been held. */
  #grantNext(name: string, wasHeld: boolean): void {
    const line = this.#lines.get(name)!;
    let isChanged = wasHeld;
    for (let claim = line.next(); claim !== undefined; claim = line.next()) {
      line.grant(claim, this.#nextToken++);
      isChanged = true;
      const { session: key, request, token } = claim;
      if (isKeyWatched(this, key)) tellChange({ type: 'granted', key, request, token } satisfies CoordinationChange);
    }
    if (isChanged) this.#tellHolder(name);
    if (!line.isEmpty) return;
    this.#lines.delete(name);
    this.#free.add(name);
    if (this.#free.size <= FREE_NAMES_MAX) return;
    this.#free.delete(this.#free.values().next().value!);
  }

  #view({ session, permits, token, value, owner }: Claim): HolderView {
    return { session, owner: owner ?? this.#sessions.get(session)!.owner, permits, token, value };
  }

  #tellHolder(name: string): void {
    if (!isKeyWatched(this, name)) return;
    const [first] = this.#lines.get(name)!.holders;
    const holder = first === undefined ? null : this.#view(first);
    tellChange({ type: 'held', key: name, holder } satisfies CoordinationChange);
  }
}

/** A session's claims in an order that a snapshot keeps, for others are granted what it gives up in the same one. */
function inOrder({ claims }: Session): [request: number, name: string][] {
  return [...claims].toSorted(([a], [b]) => a - b);
}

function checkTerms(terms: ClaimTerms): ClaimTerms {
  if (typeof terms !== 'object' || terms === null) throw new TypeError('A claim says what it asks for.');
  checkName(terms.name);
  checkWhole('request', terms.request, 0, Number.MAX_SAFE_INTEGER);
  checkWhole('of', terms.of, 1, PERMITS_MAX);
  checkWhole('permits', terms.permits, 1, terms.of);
  if (typeof terms.isWaiting !== 'boolean') throw new TypeError('isWaiting is true or false.');
  if (terms.owner !== undefined) checkOwner(terms.owner);
  return terms;
}

function checkName(name: unknown): void {
  if (typeof name === 'string' && isShort(name)) return;
  throw new TypeError(`A name is a string of up to ${NAME_BYTES_MAX} bytes.`);
}

function checkOwner(owner: unknown): void {
  if (typeof owner === 'string' && isShort(owner)) return;
  throw new TypeError(`The owner is a string of up to ${NAME_BYTES_MAX} bytes.`);
}

function checkWhole(what: string, value: number, min: number, max: number): void {
  if (Number.isSafeInteger(value) && value >= min && value <= max) return;
  throw new RangeError(`${what} is a whole number from ${min} to ${max}.`);
}

/** Is it at most `NAME_BYTES_MAX` bytes of UTF-8? A character of JavaScript's is three of them at most. */
function isShort(text: string): boolean {
  if (text.length * 3 <= NAME_BYTES_MAX) return true;
  return text.length <= NAME_BYTES_MAX && new TextEncoder().encode(text).length <= NAME_BYTES_MAX;
}

function* parts<Item>(items: readonly Item[]): Iterable<Item[]> {
  for (let at = 0; at < items.length; at += PART_ITEMS) yield items.slice(at, at + PART_ITEMS);
}

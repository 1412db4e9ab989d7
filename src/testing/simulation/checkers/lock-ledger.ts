/**
 * What became of sessions and claims, by the commands that were committed and nothing else: first come first served,
 * tokens that only grow, whoever has gone holds nothing. Keeps its own account, and holds the lock manager of every
 * node against it, after every command and every restart. And sessions are ended only when it was time, by true time:
 * after they were not renewed for their TTL, while somebody led for as long.
 */

import type { Core } from '../../../actors/raft/state.js';
import type { ClaimTerms, Coordination } from '../../../actors/coordination/coordination.js';
import type { Machine } from '../../../actors/replicated/machine.js';
import type { ClusterObserver, CommittedNews } from '../cluster-observer.js';
import type { CommittedCommand } from './committed-commands.js';

interface Claim {
  readonly session: number;
  readonly request: number;
  readonly permits: number;
  readonly value: unknown;
  /** 0: it waits. */
  token: number;
}

/** Who wants to know what becomes of claims, as it is committed. */
export interface ClaimWatcher {
  granted(name: string, token: bigint, value: unknown): void;
  /** Whoever held it has said so. Not told of those whose session ends. */
  givenUp(name: string, token: bigint): void;
}

interface Session {
  readonly ttlMs: number;
  renewals: number;
  /** When it was opened, or last renewed: when that was committed, by true time. */
  renewedAtMs: number;
  /** Names, by request. */
  readonly claims: Map<number, string>;
}

/** Of one name, in the order in which they were made. */
interface Line {
  readonly of: number;
  holders: Claim[];
  waiting: Claim[];
}

interface Leading {
  readonly term: number;
  readonly sinceMs: number;
  untilMs: number;
}

/** What a snapshot of a lock manager consists of, as far as it is looked at. */
type SavedPart =
  | { readonly sessions: readonly (readonly [id: number, owner: string, ttlMs: number, renewals: number])[] }
  | {
      readonly line: string;
      readonly claims: readonly (readonly [session: number, request: number, permits: number, token: number])[];
    };

/** Clocks run up to 4.5 % too fast. */
const TTL_PART = 0.95;
const SPARE_MS = 1;

export class LockLedger implements ClusterObserver {
  readonly #object: string;
  readonly #report: (promise: string, what: string) => void;
  readonly #nowMs: () => number;
  readonly #count: (event: string) => void;
  readonly #watcher: ClaimWatcher | null;
  readonly #sessions = new Map<number, Session>();
  readonly #lines = new Map<string, Line>();
  #openedCount = 0;
  #grantedCount = 0;
  /** How things stand after each entry that may have changed them, the last one at the end. */
  readonly #stands: { readonly index: number; readonly stand: readonly string[] }[] = [];
  /** By node: when it has led. */
  readonly #leading = new Map<string, Leading[]>();

  constructor(
    object: string,
    nowMs: () => number,
    report: (promise: string, what: string) => void,
    count: (event: string) => void,
    watcher: ClaimWatcher | null = null,
  ) {
    this.#watcher = watcher;
    this.#object = object;
    this.#nowMs = nowMs;
    this.#report = report;
    this.#count = count;
  }

  stepped(node: string, { role, term }: Core): void {
    const periods = this.#leading.get(node) ?? [];
    const last = periods.at(-1);
    const nowMs = this.#nowMs();
    if (last !== undefined && last.untilMs === Infinity && (role.name !== 'leader' || last.term !== term)) {
      last.untilMs = nowMs;
    }
    if (role.name !== 'leader' || (last?.term === term && last.untilMs === Infinity)) return;
    periods.push({ term, sinceMs: nowMs, untilMs: Infinity });
    this.#leading.set(node, periods);
  }

  committed({ index, commands }: CommittedNews): void {
    const own = commands.filter(({ name }) => name.startsWith(`${this.#object}.`));
    if (own.length === 0) return;
    for (const command of own) this.#run(command);
    this.#stands.push({ index, stand: this.#stand() });
  }

  applied(node: string, machine: Machine): void {
    const { appliedIndex } = machine;
    const known = this.#stands.findLast(({ index }) => index <= appliedIndex);
    if (known?.index === appliedIndex) this.#compare(node, machine, known.stand);
  }

  restored(node: string, machine: Machine): void {
    const { appliedIndex } = machine;
    const known = this.#stands.findLast(({ index }) => index <= appliedIndex);
    if (known !== undefined) this.#compare(node, machine, known.stand);
  }

  #compare(node: string, machine: Machine, stand: readonly string[]): void {
    // Another machine of the node has it.
    if (!machine.isHere(this.#object)) return;
    const { objects, appliedIndex } = machine;
    const { instance } = objects.find(({ name }) => name === this.#object)!;
    const actual = standOf(instance as Coordination);
    const more = actual.find((each) => !stand.includes(each));
    const less = stand.find((each) => !actual.includes(each));
    if (more === undefined && less === undefined) return;
    const [has, committed] = [more ?? 'nothing of it', less ?? 'there is nothing of it'];
    const what = `after entry ${appliedIndex}, ${node} has "${has}", and by what was committed, "${committed}"`;
    this.#report('locks as committed', what);
  }

  #run({ name, args }: CommittedCommand): void {
    const [session, second] = args as [number, unknown];
    switch (name.slice(this.#object.length + 1)) {
      case 'openSession':
        this.#openedCount += 1;
        this.#sessions.set(this.#openedCount, {
          ttlMs: second as number,
          renewals: 0,
          renewedAtMs: this.#nowMs(),
          claims: new Map(),
        });
        return;
      case 'renew':
        return this.#renew(session);
      case 'closeSession':
        return this.#end(session);
      case 'expire':
        return this.#expire(session, second as number);
      case 'claim':
        return this.#claim(session, second as ClaimTerms);
      case 'giveUp':
        return this.#giveUp(session, second as number);
    }
  }

  #renew(id: number): void {
    const session = this.#sessions.get(id);
    if (session === undefined) return;
    session.renewals += 1;
    session.renewedAtMs = this.#nowMs();
  }

  #expire(id: number, renewals: number): void {
    const session = this.#sessions.get(id);
    if (session?.renewals !== renewals) return this.#count('expiries that came too late');
    this.#count('sessions expired');
    const { ttlMs, renewedAtMs } = session;
    const nowMs = this.#nowMs();
    const leastMs = TTL_PART * ttlMs - SPARE_MS;
    if (nowMs - renewedAtMs < leastMs) {
      const what = `session ${id} was ended ${Math.round(nowMs - renewedAtMs)} ms after it was renewed, of ${ttlMs}`;
      this.#report('sessions last', what);
    }
    if (!this.#hasAnybodyLed(leastMs, renewedAtMs, nowMs)) {
      this.#report('sessions last', `session ${id} was ended, and nobody has led for ${ttlMs} ms since it was renewed`);
    }
    this.#end(id);
  }

  #hasAnybodyLed(forMs: number, sinceMs: number, nowMs: number): boolean {
    return [...this.#leading.values()].some((periods) =>
      periods.some((each) => Math.min(nowMs, each.untilMs) - Math.max(sinceMs, each.sinceMs) >= forMs),
    );
  }

  #claim(id: number, { request, name, of, permits, isWaiting, value }: ClaimTerms): void {
    const session = this.#sessions.get(id);
    const line = this.#lines.get(name) ?? { of, holders: [], waiting: [] };
    if (session === undefined || line.of !== of) return;
    const isFree = line.waiting.length === 0 && permits <= freeOf(line);
    if (!isFree && !isWaiting) return;
    this.#lines.set(name, line);
    session.claims.set(request, name);
    line.waiting.push({ session: id, request, permits, value, token: 0 });
    if (!isFree) this.#count('claims that waited');
    this.#grantNext(name, line);
  }

  #giveUp(id: number, request: number): void {
    const session = this.#sessions.get(id);
    const name = session?.claims.get(request);
    if (session === undefined || name === undefined) return;
    session.claims.delete(request);
    const isIt = (claim: Claim): boolean => claim.session === id && claim.request === request;
    const held = this.#lines.get(name)!.holders.find(isIt);
    if (held !== undefined) this.#watcher?.givenUp(name, BigInt(held.token));
    this.#remove(name, isIt);
  }

  #end(id: number): void {
    const session = this.#sessions.get(id);
    if (session === undefined) return;
    this.#sessions.delete(id);
    const inOrder = [...session.claims].toSorted(([a], [b]) => a - b).map(([, name]) => name);
    for (const name of new Set(inOrder)) this.#remove(name, (claim) => claim.session === id);
  }

  #remove(name: string, isGone: (claim: Claim) => boolean): void {
    const line = this.#lines.get(name)!;
    line.holders = line.holders.filter((claim) => !isGone(claim));
    line.waiting = line.waiting.filter((claim) => !isGone(claim));
    this.#grantNext(name, line);
  }

  /** First come, first served. */
  #grantNext(name: string, line: Line): void {
    while (line.waiting.length > 0 && line.waiting[0]!.permits <= freeOf(line)) {
      const next = line.waiting.shift()!;
      this.#grantedCount += 1;
      next.token = this.#grantedCount;
      line.holders.push(next);
      this.#watcher?.granted(name, BigInt(next.token), next.value);
    }
    if (line.holders.length === 0 && line.waiting.length === 0) this.#lines.delete(name);
  }

  #stand(): string[] {
    const sessions = [...this.#sessions].map(([id, { renewals }]) => [id, renewals] as const);
    const lines = [...this.#lines].map(([name, { holders, waiting }]) => {
      return [name, [...holders, ...waiting].map(inWords)] as const;
    });
    return described(sessions, lines);
  }
}

function freeOf({ of, holders }: Line): number {
  return of - holders.reduce((sum, { permits }) => sum + permits, 0);
}

function inWords({ session, request, token }: Pick<Claim, 'session' | 'request' | 'token'>): string {
  return token === 0 ? `${session}:${request} waits` : `${session}:${request} by ${token}`;
}

function standOf(locks: Coordination): string[] {
  const sessions: (readonly [number, number])[] = [];
  const lines: (readonly [string, readonly string[]])[] = [];
  for (const part of locks.snapshot() as Iterable<SavedPart>) {
    if ('sessions' in part) sessions.push(...part.sessions.map(([id, , , renewals]) => [id, renewals] as const));
    else if ('line' in part) {
      const claims = part.claims.map(([session, request, permits, token]) => ({ session, request, permits, token }));
      lines.push([part.line, claims.map(inWords)]);
    }
  }
  return described(sessions, lines);
}

/** A line for each session, and for each name. */
function described(
  sessions: readonly (readonly [id: number, renewals: number])[],
  lines: readonly (readonly [name: string, claims: readonly string[]])[],
): string[] {
  const open = sessions.map(([id, renewals]) => `session ${id}, renewed ${renewals} times`);
  return [...open, ...lines.map(([name, claims]) => `${name}: ${claims.join(', ')}`)];
}

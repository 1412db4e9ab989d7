/**
 * The back end that stands on a Coordination, wherever that one is. On the caller's thread. It keeps nothing but which
 * sessions are open, for whoever leaves in order.
 */

import type { NameView } from '../actors/coordination/coordination.js';
import { ConclaveError } from '../errors.js';
import type { BackendSession, Holder, NameSight, SessionListener, SightedBackend } from './backend.js';
import type { CoordinationAccess } from './coordination-access.js';
import { CALL_TIMEOUT_MS, CoordinationSession } from './coordination-session.js';

export class CoordinationBackend implements SightedBackend {
  readonly #access: CoordinationAccess;
  readonly #owner: string;
  readonly #sessions = new Set<CoordinationSession>();
  /** Why nothing can be opened any more. */
  #ended: ConclaveError | null = null;

  constructor(access: CoordinationAccess, owner: string) {
    this.#access = access;
    this.#owner = owner;
  }

  get timekeeper(): CoordinationAccess['timekeeper'] {
    return this.#access.timekeeper;
  }

  async openSession(ttlMs: number, listener: SessionListener): Promise<BackendSession> {
    if (this.#ended !== null) throw this.#ended;
    const calls = this.#access.within(CALL_TIMEOUT_MS);
    const id = await calls.openSession(this.#owner, ttlMs);
    if (id === null) throw tooMany('sessions');
    const session = new CoordinationSession(this.#access, id, ttlMs, listener, () => this.#sessions.delete(session));
    this.#sessions.add(session);
    await session.isFollowed;
    // It may have come to its end meanwhile.
    const ended = this.#ended as ConclaveError | null;
    if (ended === null) return session;
    await session.close();
    throw ended;
  }

  observe(name: string, onHolder: (holder: Holder | null) => void, onEnd: (error: unknown) => void): () => void {
    return this.#access.follow(
      name,
      'look',
      (news) => {
        if (news.type === 'state') onHolder(holderOf((news.value as NameView | null)?.holders[0] ?? null));
        else if (news.type === 'held') onHolder(holderOf(news.holder));
      },
      onEnd,
    );
  }

  async look(name: string, timeoutMs: number): Promise<NameSight | null> {
    const view = await this.#access.within(timeoutMs).look(name);
    if (view === null) return null;
    const [first] = view.holders;
    return { holder: first === undefined ? null : { token: BigInt(first.token), owner: first.owner } };
  }

  /** The last of it: all sessions are over, and closed while that can be said. Never rejects. */
  async leave(reason: ConclaveError): Promise<void> {
    const open = [...this.#sessions];
    this.end(reason);
    await Promise.allSettled(open.map((session) => session.close()));
  }

  /** The coordination cannot be reached any more: nobody holds anything that could be renewed. */
  end(reason: ConclaveError): void {
    this.#ended ??= reason;
    for (const session of [...this.#sessions]) session.end();
  }
}

function holderOf(holder: { readonly token: number; readonly value: unknown } | null): Holder | null {
  return holder === null ? null : { token: BigInt(holder.token), value: holder.value };
}

function tooMany(what: string): ConclaveError {
  return new ConclaveError('ERR_QUEUE_FULL', `There are too many ${what} already.`, { data: { limit: what } });
}

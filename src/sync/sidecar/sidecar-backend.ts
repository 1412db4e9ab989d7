/**
 * The back end behind a sidecar: translates between its port and the commands of a connection, which is made when it is
 * needed. On the caller's thread. When the connection is lost, the sidecar has ended all sessions, and so has this.
 */

import type { Timer } from '../../runtime/actor.js';
import { asError, ConclaveError, fromPlainError } from '../../errors.js';
import type { Timekeeper } from '../../runtime/timekeeper.js';
import type { BackendSession, ClaimOutcome, ClaimTerms, Holder, SessionListener, SyncBackend } from '../backend.js';
import type { News } from './messages.js';
import { SidecarConnection } from './sidecar-connection.js';

/** Before it is tried again to observe what could not be observed any more. */
const OBSERVE_AGAIN_MS = 500;

interface Observer {
  readonly onHolder: (holder: Holder | null) => void;
  readonly onUnobserved: (error: Error) => void;
}

/** One connection, and what it is used for. */
class Link {
  readonly sessions = new Map<number, RemoteSession>();
  readonly observers = new Map<number, Observer>();
  connection: SidecarConnection | null = null;
  isOver = false;

  news(news: News): void {
    switch (news.type) {
      case 'granted':
        return this.sessions.get(news.session)?.listener.granted(news.request, news.token);
      case 'lost':
        return this.sessions.get(news.session)?.lost(news.request);
      case 'asked':
        return this.sessions.get(news.session)?.listener.asked(news.request);
      case 'ended':
        return this.sessions.get(news.session)?.end();
      case 'holder':
        return this.observers.get(news.observation)?.onHolder(news.holder);
      case 'unobserved':
        return this.observers.get(news.observation)?.onUnobserved(fromPlainError(news.error));
    }
  }

  ended(): void {
    this.isOver = true;
    const [sessions, observers] = [[...this.sessions.values()], [...this.observers.values()]];
    this.sessions.clear();
    this.observers.clear();
    for (const session of sessions) session.end();
    for (const { onUnobserved } of observers) onUnobserved(lostConnection());
  }
}

export class SidecarBackend implements SyncBackend {
  readonly timekeeper: Timekeeper;
  readonly #url: string;
  #link: Promise<Link> | null = null;
  /** Numbers of sessions and observations. */
  #next = 1;

  constructor(url: string, timekeeper: Timekeeper) {
    this.#url = url;
    this.timekeeper = timekeeper;
  }

  async openSession(ttlMs: number, listener: SessionListener): Promise<BackendSession> {
    const link = await this.#connect();
    const id = this.#next++;
    const session = new RemoteSession(link, id, listener);
    link.sessions.set(id, session);
    try {
      await link.connection!.ask({ type: 'openSession', session: id, ttlMs });
    } catch (error) {
      link.sessions.delete(id);
      throw error;
    }
    return session;
  }

  observe(name: string, onHolder: (holder: Holder | null) => void, onEnd: (error: unknown) => void): () => void {
    const observation = new Observation(() => this.#connect(), this.#next++, name, this.timekeeper, onHolder, onEnd);
    return () => observation.stop();
  }

  #connect(): Promise<Link> {
    this.#link ??= this.#open();
    return this.#link;
  }

  async #open(): Promise<Link> {
    const link = new Link();
    try {
      link.connection = await SidecarConnection.connect(this.#url, this.timekeeper, {
        news: (news) => link.news(news),
        ended: () => {
          this.#link = null;
          link.ended();
        },
      });
      return link;
    } catch (error) {
      this.#link = null;
      throw error;
    }
  }
}

class RemoteSession implements BackendSession {
  readonly listener: SessionListener;
  readonly #link: Link;
  readonly #id: number;
  /** By claim: what lets the process end when it is no more. */
  readonly #claims = new Map<number, () => void>();
  #isOver = false;

  constructor(link: Link, id: number, listener: SessionListener) {
    this.#link = link;
    this.#id = id;
    this.listener = listener;
  }

  async renew(): Promise<boolean> {
    if (this.#isOver) return false;
    return this.#connection.ask({ type: 'renew', session: this.#id });
  }

  async claim(request: number, terms: ClaimTerms): Promise<ClaimOutcome> {
    if (this.#isOver) return 'ended';
    this.#claims.set(request, this.#connection.holdProcess());
    let outcome: ClaimOutcome = 'ended';
    try {
      outcome = await this.#connection.ask({ type: 'claim', session: this.#id, request, terms });
    } finally {
      if (typeof outcome === 'string' && outcome !== 'waiting') this.#forget(request);
    }
    return outcome;
  }

  async giveUp(request: number): Promise<void> {
    this.#forget(request);
    if (!this.#isOver) await this.#connection.ask({ type: 'giveUp', session: this.#id, request });
  }

  async proclaim(request: number, value: unknown): Promise<boolean> {
    if (this.#isOver) return false;
    return this.#connection.ask({ type: 'proclaim', session: this.#id, request, value });
  }

  async close(): Promise<void> {
    if (this.#isOver) return;
    this.#leave();
    await this.#connection.ask({ type: 'closeSession', session: this.#id });
  }

  lost(request: number): void {
    this.#forget(request);
    this.listener.lost(request);
  }

  /** It is over, whatever the sidecar says. */
  end(): void {
    if (this.#isOver) return;
    this.#leave();
    this.listener.ended();
  }

  #leave(): void {
    this.#isOver = true;
    this.#link.sessions.delete(this.#id);
    for (const request of [...this.#claims.keys()]) this.#forget(request);
  }

  #forget(request: number): void {
    this.#claims.get(request)?.();
    this.#claims.delete(request);
  }

  get #connection(): SidecarConnection {
    return this.#link.connection!;
  }
}

/** Who holds a name, over as many connections as it takes. */
class Observation {
  readonly #connect: () => Promise<Link>;
  readonly #id: number;
  readonly #name: string;
  readonly #timekeeper: Timekeeper;
  readonly #onHolder: (holder: Holder | null) => void;
  readonly #onEnd: (error: unknown) => void;
  #link: Link | null = null;
  #release: () => void = () => {};
  #pause: Timer | null = null;
  #isStopped = false;

  constructor(
    connect: () => Promise<Link>,
    id: number,
    name: string,
    timekeeper: Timekeeper,
    onHolder: (holder: Holder | null) => void,
    onEnd: (error: unknown) => void,
  ) {
    this.#connect = connect;
    this.#id = id;
    this.#name = name;
    this.#timekeeper = timekeeper;
    this.#onHolder = onHolder;
    this.#onEnd = onEnd;
    void this.#observe();
  }

  stop(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#pause?.cancel();
    this.#release();
    const link = this.#link;
    if (link === null || link.isOver) return;
    link.observers.delete(this.#id);
    // If it is lost, it is over anyway.
    link.connection!.ask({ type: 'unobserve', observation: this.#id }).catch(() => {});
  }

  async #observe(): Promise<void> {
    try {
      const link = await this.#connect();
      if (this.#isStopped || link.isOver) return this.#again(lostConnection());
      this.#link = link;
      this.#release = link.connection!.holdProcess();
      link.observers.set(this.#id, {
        onHolder: (holder) => {
          if (!this.#isStopped) this.#onHolder(holder);
        },
        onUnobserved: (error) => this.#again(error),
      });
      await link.connection!.ask({ type: 'observe', observation: this.#id, name: this.#name });
    } catch (error) {
      this.#again(asError(error));
    }
  }

  /** A sidecar that is gone may come back; one that refuses does so for good. */
  #again(error: Error): void {
    if (this.#isStopped || this.#pause !== null) return;
    this.#release();
    this.#link?.observers.delete(this.#id);
    this.#link = null;
    if (!(error instanceof ConclaveError) || error.code !== 'ERR_UNREACHABLE') {
      this.#isStopped = true;
      return this.#onEnd(error);
    }
    this.#pause = this.#timekeeper.after(OBSERVE_AGAIN_MS, () => {
      this.#pause = null;
      void this.#observe();
    });
  }
}

function lostConnection(): ConclaveError {
  return new ConclaveError('ERR_UNREACHABLE', 'The connection to the sidecar is lost.');
}

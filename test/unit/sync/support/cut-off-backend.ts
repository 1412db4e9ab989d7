/** A back end whose client can be cut off from it: calls fail, and nothing is told. */

import { ConclaveError } from '../../../../src/errors.js';
import type { Timekeeper } from '../../../../src/runtime/timekeeper.js';
import type {
  BackendSession,
  ClaimOutcome,
  ClaimTerms,
  Holder,
  NameSight,
  SessionListener,
  SightedBackend,
  SyncBackend,
} from '../../../../src/sync/index.js';

export class CutOffBackend implements SightedBackend {
  readonly timekeeper: Timekeeper;
  isCutOff = false;
  /** Answers to these are held back until then. */
  readonly heldBack: Partial<Record<'open' | 'claim' | 'renew' | 'giveUp' | 'close', Promise<void>>> = {};
  readonly #backend: SyncBackend;

  constructor(backend: SyncBackend, timekeeper: Timekeeper = backend.timekeeper) {
    this.#backend = backend;
    this.timekeeper = timekeeper;
  }

  async openSession(ttlMs: number, listener: SessionListener): Promise<BackendSession> {
    this.check();
    const session = await this.#backend.openSession(ttlMs, {
      granted: (request, token) => this.isCutOff || listener.granted(request, token),
      lost: (request) => this.isCutOff || listener.lost(request),
      asked: (request) => this.isCutOff || listener.asked(request),
      ended: () => this.isCutOff || listener.ended(),
    });
    await this.heldBack.open;
    return new CutOffSession(this, session);
  }

  observe(name: string, onHolder: (holder: Holder | null) => void, onEnd: (error: unknown) => void): () => void {
    return this.#backend.observe(name, onHolder, onEnd);
  }

  async look(name: string, timeoutMs: number): Promise<NameSight | null> {
    this.check();
    return (this.#backend as SightedBackend).look(name, timeoutMs);
  }

  check(): void {
    if (this.isCutOff) throw new ConclaveError('ERR_NO_LEADER', 'cut off');
  }
}

class CutOffSession implements BackendSession {
  readonly #host: CutOffBackend;
  readonly #session: BackendSession;

  constructor(host: CutOffBackend, session: BackendSession) {
    this.#host = host;
    this.#session = session;
  }

  async renew(): Promise<boolean> {
    this.#host.check();
    const isRenewed = await this.#session.renew();
    await this.#host.heldBack.renew;
    return isRenewed;
  }

  async claim(request: number, terms: ClaimTerms): Promise<ClaimOutcome> {
    this.#host.check();
    const outcome = await this.#session.claim(request, terms);
    await this.#host.heldBack.claim;
    this.#host.check();
    return outcome;
  }

  async giveUp(request: number): Promise<void> {
    this.#host.check();
    await this.#session.giveUp(request);
    await this.#host.heldBack.giveUp;
  }

  async proclaim(request: number, value: unknown): Promise<boolean> {
    this.#host.check();
    return this.#session.proclaim(request, value);
  }

  async close(): Promise<void> {
    this.#host.check();
    await this.#session.close();
    await this.#host.heldBack.close;
  }
}

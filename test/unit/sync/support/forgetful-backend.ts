/** A back end whose first sessions are over as soon as something is claimed in them. */

import { ConclaveError } from '../../../../src/errors.js';
import type { Timekeeper } from '../../../../src/runtime/timekeeper.js';
import type { BackendSession, SessionListener, SyncBackend } from '../../../../src/sync/index.js';

/** With no pause at all, nothing else would have a turn, and a test would not end. */
const OPENED_MAX = 1_000;

export class ForgetfulBackend implements SyncBackend {
  readonly timekeeper: Timekeeper;
  opened = 0;
  readonly #backend: SyncBackend;
  readonly #forgotten: number;

  constructor(backend: SyncBackend, forgotten: number) {
    this.#backend = backend;
    this.timekeeper = backend.timekeeper;
    this.#forgotten = forgotten;
  }

  observe(...observed: Parameters<SyncBackend['observe']>): () => void {
    return this.#backend.observe(...observed);
  }

  async openSession(ttlMs: number, listener: SessionListener): Promise<BackendSession> {
    const isForgotten = ++this.opened <= this.#forgotten;
    if (this.opened > OPENED_MAX) throw new ConclaveError('ERR_QUEUE_FULL', 'spins');
    const session = await this.#backend.openSession(ttlMs, listener);
    return {
      renew: () => session.renew(),
      claim: async (request, terms) => (isForgotten ? 'ended' : session.claim(request, terms)),
      giveUp: (request) => session.giveUp(request),
      proclaim: (request, value) => session.proclaim(request, value),
      close: () => session.close(),
    };
  }
}

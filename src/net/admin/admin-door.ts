/**
 * Where administrators come in: judges their hellos, and keeps their connections, of which there are but a few. On the
 * consensus thread, beside the links of peers and apart from them.
 */

import type { Logger } from '../../runtime/logger.js';
import { wrongCluster, type Identity, type Refusal } from '../hello.js';
import type { TcpConnection } from '../tcp-connection.js';
import type { AdminHello } from './admin-codec.js';
import { AdminSession, type AdminHandler } from './admin-session.js';

/** So many may be connected at once; one more is refused. */
export const ADMINISTRATORS_MAX = 16;

/** How long a node that stops lets answers be written that are due by then. */
const FINISH_MS = 500;

export class AdminDoor {
  readonly #identity: Identity;
  readonly #handler: AdminHandler;
  readonly #logger: Logger;
  readonly #sessions = new Set<AdminSession>();
  /** Called when no session is busy any more; null: nobody waits for that. */
  #onQuiet: (() => void) | null = null;
  #finished: Promise<void> | undefined;

  constructor(identity: Identity, handler: AdminHandler, logger: Logger) {
    this.#identity = identity;
    this.#handler = handler;
    this.#logger = logger;
  }

  /** Takes the connection over, or says why not: then it still belongs to the caller. */
  admit(connection: TcpConnection, { cluster }: AdminHello, remote: string): Refusal | null {
    const { self } = this.#identity;
    if (cluster !== null && cluster !== this.#identity.cluster) return wrongCluster(this.#identity, cluster);
    if (this.#sessions.size >= ADMINISTRATORS_MAX) {
      const message = `${ADMINISTRATORS_MAX} administrators are connected already.`;
      return { reason: 'tooManyAdministrators', message };
    }
    const session = new AdminSession(connection, {
      hello: { cluster: this.#identity.cluster, self },
      remote,
      handler: this.#handler,
      logger: this.#logger,
      onFree: () => this.#noteQuiet(),
      onClosed: (closed) => this.#onClosed(closed),
    });
    this.#sessions.add(session);
    return null;
  }

  /**
   * Resolves when nobody waits for an answer, and after a while in any case: whoever has had this node removed is told.
   */
  finish(): Promise<void> {
    this.#finished ??= new Promise((resolve) => {
      const timer = setTimeout(() => this.#onQuiet?.(), FINISH_MS);
      this.#onQuiet = () => {
        clearTimeout(timer);
        this.#onQuiet = null;
        resolve();
      };
      this.#noteQuiet();
    });
    return this.#finished;
  }

  #onClosed(session: AdminSession): void {
    this.#sessions.delete(session);
    this.#noteQuiet();
  }

  #noteQuiet(): void {
    if (![...this.#sessions].some((session) => session.isBusy)) this.#onQuiet?.();
  }
}

/**
 * The links of one actor system by the name of the system at the other end, and for those that have ended, why. At most
 * one link per name: a new one takes the place of the old.
 */

import type { ConclaveError } from '../../errors.js';
import type { ActorCell } from '../actor-cell.js';
import { notSent, threadExited } from '../actor-errors.js';
import type { LinkPort } from './link-port.js';
import { Link, type LinkHost, type LinkOptions } from './link.js';

export class LinkTable {
  readonly #host: LinkHost;
  readonly #links = new Map<string, Link>();
  readonly #endings = new Map<string, ConclaveError>();

  constructor(host: LinkHost) {
    this.#host = host;
  }

  get(peer: string): Link | undefined {
    return this.#links.get(peer);
  }

  /** Why nothing was sent to `peer`: what its link ended with, if it ever had one. */
  whyUnlinked(peer: string): ConclaveError {
    return notSent(this.#endings.get(peer) ?? threadExited(peer, new Error(`"${peer}" has not been linked.`)));
  }

  add(peer: string, port: LinkPort, options: LinkOptions): void {
    this.#links.get(peer)?.end(new Error(`Another thread was linked as "${peer}".`));
    this.#endings.delete(peer);
    this.#links.set(peer, new Link(peer, port, options, this.#host, this.#onEnded));
  }

  onSpawned(cell: ActorCell): void {
    for (const link of this.#links.values()) link.callee.onSpawned(cell);
  }

  onStopped(cell: ActorCell): void {
    for (const link of this.#links.values()) link.callee.onStopped(cell);
  }

  /** Ends every link in order, because this system has stopped, or failed with `error`. */
  close(error: Error | undefined): void {
    for (const link of [...this.#links.values()]) link.close(error);
  }

  readonly #onEnded = (link: Link, error: ConclaveError): void => {
    this.#links.delete(link.peer);
    this.#endings.set(link.peer, error);
  };
}

/**
 * A reference to an actor of another system. It holds names only: it may be made before the other system is linked, and
 * reaches whichever thread is linked under that name when a message is sent.
 */

import type { ActorAddress, ActorRef, AskOptions, Transferable } from '../actor.js';
import type { Watchable, Watcher } from '../death-watch.js';
import type { LinkTable } from './link-table.js';

const nothing = (): void => {};

export class RemoteRef<Message> implements ActorRef<Message>, Watchable {
  readonly address: ActorAddress;
  readonly #links: LinkTable;

  constructor(address: ActorAddress, links: LinkTable) {
    this.address = address;
    this.#links = links;
  }

  tell(message: Message, transfer?: readonly Transferable[]): void {
    this.#links.get(this.address.system)?.caller.tell(this.address, message, transfer);
  }

  ask<Result>(message: Message, options: AskOptions): Promise<Result> {
    const link = this.#links.get(this.address.system);
    if (link === undefined) return Promise.reject(this.#links.whyUnlinked(this.address.system));
    return link.caller.ask(this.address, message, options) as Promise<Result>;
  }

  watch(watcher: Watcher): () => void {
    const link = this.#links.get(this.address.system);
    if (link !== undefined) return link.caller.watch(this.address.name, watcher);
    watcher.onTerminated(this.#links.whyUnlinked(this.address.system));
    return nothing;
  }
}

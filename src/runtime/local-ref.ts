/**
 * A reference to an actor of its own system. It holds a name, not an actor: it may be made before the actor is, and
 * reaches whoever bears the name when a message is sent.
 */

import type { ActorAddress, ActorRef, AskOptions } from './actor.js';
import type { ActorCell } from './actor-cell.js';
import { neverHandled } from './actor-errors.js';
import type { Watchable, Watcher } from './death-watch.js';
import { LocalAsk } from './local-ask.js';
import { askRefusal } from './pending-ask.js';
import type { Scheduler } from './scheduler.js';

const nothing = (): void => {};

export class LocalRef<Message> implements ActorRef<Message>, Watchable {
  readonly address: ActorAddress;
  readonly #cells: ReadonlyMap<string, ActorCell>;
  readonly #scheduler: Scheduler;
  /** Who bore the name last; asked again once that one has stopped. */
  #cell: ActorCell | undefined;

  constructor(address: ActorAddress, cells: ReadonlyMap<string, ActorCell>, scheduler: Scheduler) {
    this.address = address;
    this.#cells = cells;
    this.#scheduler = scheduler;
  }

  tell(message: Message): void {
    this.#target()?.tell(message);
  }

  ask<Result>(message: Message, options: AskOptions): Promise<Result> {
    const refusal = askRefusal(this.address, options);
    if (refusal !== undefined) return Promise.reject(refusal);
    const target = this.#target();
    if (target === undefined) return Promise.reject(neverHandled(this.address));
    const ask = new LocalAsk(this.address, options, this.#scheduler);
    target.ask(message, ask);
    return ask.promise as Promise<Result>;
  }

  watch(watcher: Watcher): () => void {
    const target = this.#target();
    if (target === undefined) {
      watcher.onTerminated(neverHandled(this.address));
      return nothing;
    }
    target.addWatcher(watcher);
    return () => target.removeWatcher(watcher);
  }

  #target(): ActorCell | undefined {
    let cell = this.#cell;
    if (cell === undefined || cell.isStopped) {
      cell = this.#cells.get(this.address.name);
      this.#cell = cell;
    }
    return cell;
  }
}

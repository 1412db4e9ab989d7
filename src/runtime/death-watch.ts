/**
 * Death watch: whoever watches an actor is told once, when it has ended for good. A watcher may be an actor of the same
 * system or a link that passes the news on to another thread; the one who is watched doesn't know the difference.
 */

import type { ConclaveError } from '../errors.js';
import type { Delivery } from './delivery.js';

export interface Watcher {
  /** Called at most once. `reason` is undefined when the actor has stopped in order. */
  onTerminated(reason: Error | undefined): void;
}

/** What can be watched: the runtime's own references. */
export interface Watchable {
  /** Returns a function that ends the watch. Calls the watcher before it returns when there is nothing to wait for. */
  watch(watcher: Watcher): () => void;
}

/** An actor's watch: turns the end of another actor into a message to this one. */
export class ActorWatch implements Watcher, Delivery {
  readonly isAwaited = false;
  readonly #message: (reason: Error | undefined) => unknown;
  readonly #deliver: (reason: Error | undefined, watch: ActorWatch) => void;
  #unwatch: (() => void) | undefined;

  /** `deliver` puts the reason into the watching actor's mailbox; `message` is called when it is taken from there. */
  constructor(
    message: (reason: Error | undefined) => unknown,
    deliver: (reason: Error | undefined, watch: ActorWatch) => void,
  ) {
    this.#message = message;
    this.#deliver = deliver;
  }

  begin(target: Watchable): void {
    this.#unwatch = target.watch(this);
  }

  cancel(): void {
    this.#unwatch?.();
  }

  onTerminated(reason: Error | undefined): void {
    this.#deliver(reason, this);
  }

  open(reason: unknown): unknown {
    return this.#message(reason as Error | undefined);
  }

  ok(): void {}
  fail(): void {}
  discard(_why: () => ConclaveError): void {}
  keepIn(_owed: Set<Delivery>): void {}
}

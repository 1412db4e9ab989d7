/**
 * A log store that somebody watches: who is told what is durable, from the requests that were made before a commit that
 * did not fail, and what a new life of the node finds of it.
 */

import type { LogStoreMessage, RecoveredLog, StoreLog } from '../../actors/log-store/log-store-messages.js';
import type { Actor, ActorFactory, Reply } from '../../runtime/actor.js';

export interface LogStoreWitness {
  /** The disk has made this request durable. */
  stored(request: StoreLog): void;
  /** This is what a node has found when it started. */
  recovered(log: RecoveredLog): void;
}

class WatchedLogStore implements Actor<LogStoreMessage> {
  readonly #inner: Actor<LogStoreMessage>;
  readonly #witness: LogStoreWitness;
  #pending: StoreLog[] = [];
  #isClosed = false;

  constructor(inner: Actor<LogStoreMessage>, witness: LogStoreWitness) {
    this.#inner = inner;
    this.#witness = witness;
  }

  receive(message: LogStoreMessage, reply: Reply): void {
    this.#inner.receive(message, message.type === 'recoverLog' ? this.#watched(reply) : reply);
    if (message.type === 'storeLog' && !this.#isClosed) this.#pending.push(message);
    if (message.type !== 'closeLog') return;
    this.#committed();
    this.#isClosed = true;
  }

  drained(): void {
    this.#inner.drained?.();
    this.#committed();
  }

  stopped(): void {
    this.#inner.stopped?.();
  }

  #committed(): void {
    for (const request of this.#pending) this.#witness.stored(request);
    this.#pending = [];
  }

  #watched(reply: Reply): Reply {
    return {
      ok: (value, transfer) => {
        this.#witness.recovered(value as RecoveredLog);
        reply.ok(value, transfer);
      },
      fail: (error) => reply.fail(error),
    };
  }
}

/** Makes the same actor, watched. */
export function watched<Data>(
  factory: ActorFactory<LogStoreMessage, Data>,
  witness: LogStoreWitness,
): ActorFactory<LogStoreMessage, Data> {
  return (context, data) => new WatchedLogStore(factory(context, data), witness);
}

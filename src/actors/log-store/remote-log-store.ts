/**
 * The core's door to the LogStoreActor: on the consensus thread, one for each group. It hands each request on, keeps it
 * until it is durable, and counts what is on its way, so that its owner can stop taking more. It never waits.
 */

import { assert } from '../../assert.js';
import type { GroupId } from '../../ids.js';
import type { ActorRef } from '../../runtime/actor.js';
import type { Store } from '../raft/effects.js';
import type { LogStore } from '../raft/log-store.js';
import type { LogStoreMessage } from './log-store-messages.js';

interface Waiting {
  readonly request: Store;
  readonly written: (request: Store) => void;
}

export class RemoteLogStore implements LogStore {
  readonly #logStore: ActorRef<LogStoreMessage>;
  readonly #group: GroupId;
  /** In the order in which they were made; from `#first` on they wait. */
  #waiting: Waiting[] = [];
  #first = 0;
  /** The number of the last request that was made, and of the last that is durable. */
  #made = 0;
  #stored = 0;
  #unstoredBytes = 0;

  constructor(logStore: ActorRef<LogStoreMessage>, group: GroupId) {
    this.#logStore = logStore;
    this.#group = group;
  }

  get unstoredBytes(): number {
    return this.#unstoredBytes;
  }

  /**
   * Copies the entries, once, and hands the request on. `written` is called by {@link RemoteLogStore.onStored}.
   *
   * @throws ConclaveError `ERR_MAILBOX_FULL` when far too many requests are in flight; the request was not made.
   */
  store(request: Store, written: (request: Store) => void): void {
    const { hardState, reset } = request;
    const append =
      request.append === null ? null : { ...request.append, entries: request.append.entries.slice().buffer };
    const message: LogStoreMessage = {
      type: 'storeLog',
      group: this.#group,
      request: this.#made + 1,
      hardState,
      reset,
      append,
    };
    this.#logStore.tell(message, append === null ? [] : [append.entries]);
    this.#made += 1;
    this.#unstoredBytes += bytesOf(request);
    this.#waiting.push({ request, written });
  }

  /** The LogStoreActor says that all requests up to this one are durable: tells those who made them, in order. */
  onStored(request: number): void {
    assert(request <= this.#made, 'what was not asked for is not stored');
    while (this.#stored < request) {
      const next = this.#waiting[this.#first++]!;
      this.#stored += 1;
      this.#unstoredBytes -= bytesOf(next.request);
      next.written(next.request);
    }
    this.#waiting = this.#waiting.slice(this.#first);
    this.#first = 0;
  }
}

function bytesOf({ append }: Store): number {
  return append === null ? 0 : append.entries.length;
}

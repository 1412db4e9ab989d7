/**
 * The messages that wait for one actor, oldest first, in a ring that doubles when it is full. A message costs two slots
 * and no allocation. The mailbox knows its limit but does not enforce it: a sender is refused by the actor's cell,
 * whereas what the runtime itself delivers (timers, watches, and messages another thread was allowed to send) always
 * gets in.
 */

import type { Delivery } from './delivery.js';

/** Power of two. */
const INITIAL_CAPACITY = 16;

/** How many messages wait at most, unless `SpawnOptions.mailboxMax` says otherwise. */
export const DEFAULT_MAILBOX_MAX = 65_536;

export class Mailbox {
  readonly max: number;
  #contents: unknown[] = new Array<unknown>(INITIAL_CAPACITY);
  /** Same length and positions as `#contents`. */
  #deliveries: (Delivery | undefined)[] = new Array<Delivery | undefined>(INITIAL_CAPACITY);
  /** Capacity - 1; the capacity is a power of two. */
  #mask = INITIAL_CAPACITY - 1;
  /** Where the oldest message is. Invariant: 0 <= head <= mask. */
  #head = 0;
  /** Invariant: 0 <= length <= mask + 1. */
  #length = 0;

  constructor(max: number) {
    this.max = max;
  }

  get length(): number {
    return this.#length;
  }

  get isFull(): boolean {
    return this.#length >= this.max;
  }

  push(content: unknown, delivery: Delivery): void {
    if (this.#length > this.#mask) this.#grow();
    const slot = (this.#head + this.#length) & this.#mask;
    this.#contents[slot] = content;
    this.#deliveries[slot] = delivery;
    this.#length++;
  }

  /** How the oldest message came; undefined when none waits. */
  peekDelivery(): Delivery | undefined {
    return this.#deliveries[this.#head];
  }

  /** Takes the oldest message. There must be one. */
  shift(): unknown {
    const head = this.#head;
    const content = this.#contents[head];
    this.#contents[head] = undefined;
    this.#deliveries[head] = undefined;
    this.#head = (head + 1) & this.#mask;
    this.#length--;
    return content;
  }

  #grow(): void {
    const capacity = this.#mask + 1;
    const contents = new Array<unknown>(capacity * 2);
    const deliveries = new Array<Delivery | undefined>(capacity * 2);
    for (let i = 0; i < this.#length; i++) {
      const slot = (this.#head + i) & this.#mask;
      contents[i] = this.#contents[slot];
      deliveries[i] = this.#deliveries[slot];
    }
    this.#contents = contents;
    this.#deliveries = deliveries;
    this.#mask = capacity * 2 - 1;
    this.#head = 0;
  }
}

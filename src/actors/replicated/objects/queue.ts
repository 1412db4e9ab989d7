/**
 * ReplQueue: a replicated queue. Runs on the object's thread, like every replicated object.
 */

import { isWatched, tellChange } from '../command-context.js';
import { query, replicated } from '../decorators.js';
import { ownHooks } from '../own-hooks.js';
import { checkCapacity, checkItem, type QueueOptions } from './capacity.js';
import { checkOptions } from './check-options.js';
import { Fifo } from './fifo.js';
import { inParts } from './in-parts.js';
import type { QueueChange } from './object-changes.js';
import { WAITS } from './queue-waits.js';

/** What a snapshot starts with. */
interface Head {
  readonly capacity: number;
}

/**
 * A queue that all nodes agree on: first in, first out. Items are whatever can be encoded, but for `undefined`, which
 * is what an empty queue gives. Each method takes the same time however many items there are.
 *
 * The capacity is part of what the queue is: it must be the same on every node and at every start, and a snapshot of a
 * queue with another one is refused. To change it, make a queue of another name.
 *
 * @example
 * const definitions = { jobs: object(ReplQueue<string>, { capacity: 100 }) };
 *
 * async function work(jobs: RemoteOf<ReplQueue<string>>): Promise<void> {
 *   if (!(await jobs.put('sweep'))) console.log('full: try again later');
 *   await jobs.peek(); // 'sweep'
 *   await jobs.take(); // 'sweep', which nobody else gets
 *   await jobs.take(); // undefined
 *   await jobs.take({ signal: AbortSignal.timeout(5_000) }); // waits for one
 * }
 */
export class ReplQueue<Item = unknown> {
  static readonly module = import.meta.url;
  /** @internal */
  static readonly [ownHooks] = true;
  /**
   * `take` and `put`, called with a signal, wait for something to take, and for room.
   *
   * @internal
   */
  static readonly waits = WAITS;
  declare readonly changes: QueueChange<Item>;
  declare readonly waits: { take: Item; put: true };
  readonly #capacity: number;
  readonly #items = new Fifo<Item>();

  /**
   * @throws TypeError or RangeError when an option is none or out of range: the start is refused with
   *   `ERR_INVALID_OBJECT`.
   */
  constructor(options: QueueOptions = {}) {
    checkOptions(options, ['capacity'], 'A queue');
    this.#capacity = checkCapacity(options.capacity);
  }

  /**
   * Adds an item at the end. False when the queue is full, and has stayed as it was; with a signal, it waits for room.
   *
   * @throws TypeError for `undefined`.
   */
  @replicated put(item: Item): boolean {
    checkItem(item);
    if (this.#items.size >= this.#capacity) return false;
    this.#items.push(item);
    if (isWatched(this)) tellChange({ type: 'put', item } satisfies QueueChange<Item>);
    return true;
  }

  /**
   * Removes the oldest item and returns it, or undefined if there is none. Each item is taken once. With a signal, it
   * waits.
   */
  @replicated take(): Item | undefined {
    const item = this.#items.shift();
    if (item !== undefined && isWatched(this)) tellChange({ type: 'take', item } satisfies QueueChange<Item>);
    return item;
  }

  /** Removes all items. */
  @replicated clear(): void {
    if (this.#items.size > 0 && isWatched(this)) tellChange({ type: 'clear' } satisfies QueueChange<Item>);
    this.#items.clear();
  }

  /** The oldest item, which stays, or undefined if there is none. */
  @query peek(): Item | undefined {
    return this.#items.peek();
  }

  /** How many items there are. */
  @query size(): number {
    return this.#items.size;
  }

  /** Is there nothing to take? */
  @query isEmpty(): boolean {
    return this.#items.size === 0;
  }

  /** Are there as many items as there may be? */
  @query isFull(): boolean {
    return this.#items.size >= this.#capacity;
  }

  /** For snapshots; see {@link restore}. */
  *snapshot(): Iterable<unknown> {
    yield { capacity: this.#capacity } satisfies Head;
    yield* inParts(this.#items);
  }

  /** Brings back what {@link snapshot} gave. */
  async restore(state: AsyncIterable<unknown>): Promise<void> {
    let head: Head | null = null;
    for await (const part of state) {
      if (head !== null) for (const item of part as Item[]) this.#items.push(item);
      else refuseOther(this.#capacity, (head = part as Head).capacity);
    }
  }
}

/** With another capacity, the log would be applied otherwise than it was. */
function refuseOther(capacity: number, saved: number): void {
  if (saved === capacity) return;
  throw new RangeError(`it was made with a capacity of ${saved}, not of ${capacity}, which cannot be changed`);
}

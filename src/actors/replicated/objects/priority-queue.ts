/**
 * ReplPriorityQueue: a replicated queue from which what comes first in some order is taken first. Runs on the object's
 * thread, like every replicated object.
 */

import { isWatched, tellChange } from '../command-context.js';
import { query, replicated } from '../decorators.js';
import { ownHooks } from '../own-hooks.js';
import { checkCapacity, checkItem, type QueueOptions } from './capacity.js';
import { checkOptions } from './check-options.js';
import { Heap, type HeapPart } from './heap.js';
import { PART_ITEMS } from './in-parts.js';
import { ItemOrder, type OrderOptions, type Orders } from './item-order.js';
import type { QueueChange } from './object-changes.js';
import { WAITS } from './queue-waits.js';

/** What a {@link ReplPriorityQueue} may be given when it is made. */
export interface PriorityQueueOptions<Item = unknown> extends QueueOptions, OrderOptions<Item> {}

/** What a snapshot starts with. */
interface Head {
  readonly capacity: number;
  readonly order: string;
  readonly by: string | null;
  readonly nextTurn: number;
}

/**
 * A queue that all nodes agree on, from which the item that comes first in an order is taken first, and of those that
 * are equal the oldest. `put` and `take` take time that grows with the logarithm of the size.
 *
 * The order is `'ascending'` (the default: smallest first) or `'descending'`, of the items themselves or of one of
 * their properties. Those are all numbers and bigints, all strings (compared by their UTF-16 code units) or all valid
 * dates; anything else is refused with a `TypeError`. A class of your own adds orders of its own, by their names.
 *
 * Options are part of what the queue is: they must be the same on every node and at every start, and a snapshot of a
 * queue with others is refused.
 *
 * @example
 * interface Job {
 *   readonly name: string;
 *   readonly urgency: number;
 * }
 * const definitions = { jobs: object(ReplPriorityQueue<Job>, { by: 'urgency', order: 'descending' }) };
 *
 * async function work(jobs: RemoteOf<ReplPriorityQueue<Job>>): Promise<void> {
 *   await jobs.put({ name: 'sweep', urgency: 1 });
 *   await jobs.put({ name: 'put out the fire', urgency: 9 });
 *   await jobs.take(); // { name: 'put out the fire', urgency: 9 }
 * }
 *
 * @example
 * interface Task {
 *   readonly urgency: number;
 *   readonly dueMs: number;
 * }
 * export class Tasks extends ReplPriorityQueue<Task> {
 *   static override readonly module = import.meta.url;
 *   static override readonly orders = {
 *     mostPressing: (a: Task, b: Task) => b.urgency - a.urgency || a.dueMs - b.dueMs,
 *   };
 * }
 * const definitions = { tasks: object(Tasks, { order: 'mostPressing' }) };
 */
export class ReplPriorityQueue<Item = unknown> {
  static readonly module = import.meta.url;
  /** @internal */
  static readonly [ownHooks] = true;
  /** Orders besides `ascending` and `descending`: for classes that extend this one. */
  static readonly orders: Orders = {};
  /**
   * `take` and `put`, called with a signal, wait for something to take, and for room.
   *
   * @internal
   */
  static readonly waits = WAITS;
  declare readonly changes: QueueChange<Item>;
  declare readonly waits: { take: Item; put: true };
  readonly #capacity: number;
  readonly #order: ItemOrder<Item>;
  readonly #items: Heap<Item>;

  /**
   * @throws TypeError or RangeError when an option is none or out of range: the start is refused with
   *   `ERR_INVALID_OBJECT`.
   */
  constructor(options: PriorityQueueOptions<Item> = {}) {
    checkOptions(options, ['capacity', 'order', 'by'], 'A priority queue');
    const { capacity, ...order } = options;
    this.#capacity = checkCapacity(capacity);
    this.#order = new ItemOrder(new.target.orders, order);
    this.#items = new Heap(this.#order.compare);
  }

  /**
   * Adds an item. False when the queue is full, and has stayed as it was; with a signal, it waits for room.
   *
   * @throws TypeError for an item that cannot be compared with those that are there, and for `undefined`; and whatever
   *   an order of the class's own throws.
   */
  @replicated put(item: Item): boolean {
    checkItem(item);
    this.#order.check(item, this.#items.peek() ?? item);
    if (this.#items.size >= this.#capacity) return false;
    this.#items.push(item);
    if (isWatched(this)) tellChange({ type: 'put', item } satisfies QueueChange<Item>);
    return true;
  }

  /**
   * Removes the item that comes first and returns it, or undefined if there is none. Each item is taken once. With a
   * signal, it waits.
   *
   * @throws whatever an order of the class's own throws.
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

  /** The item that comes first, which stays, or undefined if there is none. */
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
    const { name, by } = this.#order;
    yield { capacity: this.#capacity, order: name, by, nextTurn: this.#items.nextTurn } satisfies Head;
    yield* this.#items.parts(PART_ITEMS);
  }

  /** Brings back what {@link snapshot} gave. */
  async restore(state: AsyncIterable<unknown>): Promise<void> {
    let head: Head | null = null;
    for await (const part of state) {
      if (head !== null) this.#items.restore(part as HeapPart<Item>);
      else this.#restoreHead((head = part as Head));
    }
  }

  /**
   * With another order, what was the first item would not be; with another capacity, the log would be applied
   * otherwise.
   */
  #restoreHead({ capacity, order, by, nextTurn }: Head): void {
    const { name, by: ownBy } = this.#order;
    if (capacity !== this.#capacity || order !== name || by !== ownBy) {
      const saved = JSON.stringify({ capacity, order, by });
      const own = JSON.stringify({ capacity: this.#capacity, order: name, by: ownBy });
      throw new RangeError(`it was made with the options ${saved}, not ${own}, and they cannot be changed`);
    }
    this.#items.nextTurn = nextTurn;
  }
}

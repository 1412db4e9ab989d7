/**
 * ReplList: a replicated Array. Runs on the object's thread, like every replicated object.
 */

import { isWatched, tellChange } from '../command-context.js';
import { query, replicated } from '../decorators.js';
import { ItemOrder, type OrderOptions, type Orders } from './item-order.js';
import type { ListChange } from './object-changes.js';
import { isSameContent } from './same-content.js';

/** No list is longer: no snapshot could hold it. */
const LENGTH_MAX = 0x200_0000;

/** How many items are given to the engine as arguments, which lie on the thread's stack. */
const ARGUMENTS_MAX = 1024;

/**
 * An Array that all nodes agree on, under the names of JavaScript's own where they fit. Items are whatever can be
 * encoded. Reading and replacing an item and adding or removing one at the end take the same time however long the list
 * is; elsewhere the items behind it are moved. There are at most 33,554,432 items, and never a hole among them.
 *
 * Where items are looked for, primitives are compared as `includes` does (`NaN` is itself, `-0` is `0`), and everything
 * else by its content, for identity does not survive the wire: arrays are the same when their items are, plain objects,
 * Maps and Sets also when their content is in another order.
 *
 * Indexes are whole numbers, and negative ones count from the end, as with Array; anything else is refused with a
 * `TypeError`. A command that is refused changes nothing.
 *
 * @example
 * async function plan(steps: RemoteOf<ReplList<string>>): Promise<void> {
 *   await steps.push('sow'); // 1
 *   await steps.extend(['water', 'reap']); // 3
 *   await steps.insert(1, 'wait'); // 4
 *   await steps.at(-1); // 'reap'
 *   await steps.remove('wait'); // true
 *   await steps.sort({ order: 'descending' });
 *   await steps.values(); // ['water', 'sow', 'reap']
 * }
 *
 * @example
 * interface City {
 *   readonly country: string;
 *   readonly name: string;
 * }
 * export class Cities extends ReplList<City> {
 *   static override readonly module = import.meta.url;
 *   static override readonly orders = {
 *     byCountry: (a: City, b: City) => compare(a.country, b.country) || compare(a.name, b.name),
 *   };
 * }
 * const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
 *
 * async function tidy(cities: RemoteOf<Cities>): Promise<void> {
 *   await cities.sort({ order: 'byCountry' });
 *   await cities.sort({ by: 'name' });
 * }
 */
export class ReplList<V = unknown> {
  static readonly module = import.meta.url;
  declare readonly changes: ListChange<V>;
  /** Orders besides `ascending` and `descending`: for classes that extend this one. */
  static readonly orders: Orders = {};
  /** Invariant: without holes. */
  private readonly items: V[] = [];

  /**
   * Adds one item at the end. Returns how many there are then. For many, see {@link extend}.
   *
   * @throws TypeError when it is not given exactly one item; RangeError when there is no room.
   */
  @replicated push(item: V): number {
    // Those who know Array give it several, and would not notice that the others are lost.
    if (arguments.length !== 1) throw new TypeError('push takes one item; extend takes a list of them.');
    checkRoom(this.items.length, 1);
    if (isWatched(this)) tellSplice(this.items.length, [], [item]);
    return this.items.push(item);
  }

  /**
   * Adds many items at the end, or none. Returns how many there are then.
   *
   * @throws TypeError for anything but a list; RangeError when there is no room for so many.
   */
  @replicated extend(items: readonly V[]): number {
    checkRoom(this.items.length, checkList(items).length);
    if (isWatched(this)) tellSplice(this.items.length, [], items);
    for (const item of items) this.items.push(item);
    return this.items.length;
  }

  /** Removes the last item and returns it, or undefined if there is none. */
  @replicated pop(): V | undefined {
    const { length } = this.items;
    const item = this.items.pop();
    if (length > 0 && isWatched(this)) tellSplice(length - 1, [item], []);
    return item;
  }

  /**
   * Adds one item at the start. Returns how many there are then.
   *
   * @throws TypeError when it is not given exactly one item; RangeError when there is no room.
   */
  @replicated unshift(item: V): number {
    if (arguments.length !== 1) throw new TypeError('unshift takes one item; splice takes a list of them.');
    checkRoom(this.items.length, 1);
    if (isWatched(this)) tellSplice(0, [], [item]);
    return this.items.unshift(item);
  }

  /**
   * Removes the first item and returns it, or undefined if there is none. All others are moved: for queues see
   * ReplQueue.
   */
  @replicated shift(): V | undefined {
    const { length } = this.items;
    const item = this.items.shift();
    if (length > 0 && isWatched(this)) tellSplice(0, [item], []);
    return item;
  }

  /**
   * Replaces an item, as `Array.with` does.
   *
   * @throws RangeError when there is none at this index.
   */
  @replicated set(index: number, item: V): void {
    const { length } = this.items;
    const place = checkIndex(index) < 0 ? length + index : index;
    if (place < 0 || place >= length) throw new RangeError(`There is no item ${index}: there are ${length}.`);
    const previous = this.items[place] as V;
    this.items[place] = item;
    if (!isWatched(this) || (Object.is(item, previous) && typeof item !== 'object')) return;
    tellChange({ type: 'set', index: place, value: item, previous } satisfies ListChange<V>);
  }

  /**
   * Adds an item before the one at an index; one beyond either end is that end, as with `splice`. Returns how many
   * there are then.
   *
   * @throws RangeError when there is no room.
   */
  @replicated insert(index: number, item: V): number {
    const place = clamped(checkIndex(index), this.items.length);
    checkRoom(this.items.length, 1);
    this.items.splice(place, 0, item);
    if (isWatched(this)) tellSplice(place, [], [item]);
    return this.items.length;
  }

  /**
   * Removes `deleteCount` items (all, if it is left out) from an index on, which beyond either end is that end, puts
   * others in their place, and returns those that were removed. Unlike Array's, it takes those others as a list.
   *
   * @throws TypeError for anything but whole numbers and a list; RangeError when there is no room.
   */
  @replicated splice(start: number, deleteCount?: number, items: readonly V[] = []): V[] {
    const { length } = this.items;
    const from = clamped(checkIndex(start), length);
    // As with Array: what is undefined is not left out.
    const count = arguments.length === 1 ? length : checkIndex(deleteCount ?? 0);
    const removedCount = Math.min(Math.max(0, count), length - from);
    checkRoom(length - removedCount, checkList(items).length);
    if (isWatched(this)) tellSplice(from, this.items.slice(from, from + removedCount), items);
    if (items.length <= ARGUMENTS_MAX) return this.items.splice(from, removedCount, ...items);
    const behind = this.items.splice(from);
    const removed = behind.slice(0, removedCount);
    for (const item of items) this.items.push(item);
    for (let index = removedCount; index < behind.length; index++) this.items.push(behind[index]!);
    return removed;
  }

  /** Removes the first item that is the same as this one. Was there any? */
  @replicated remove(item: V): boolean {
    const index = indexOf(this.items, item, 0);
    if (index === -1) return false;
    const removed = this.items.splice(index, 1);
    if (isWatched(this)) tellSplice(index, removed, []);
    return true;
  }

  /**
   * Sorts the items, in an order that is said in words, and which unlike that of `Array.sort` compares numbers by their
   * value. Items that are equal stay in their order, and items that are `undefined` come last.
   *
   * @throws TypeError when there is no such order, or when the items (or their properties) are not all numbers and
   *   bigints, all strings or all valid dates; and whatever an order of the class's own throws.
   */
  @replicated sort(options: OrderOptions<V> = {}): void {
    const { orders } = this.constructor as typeof ReplList;
    const order = new ItemOrder<V>(orders, options);
    const first = this.items.find((item) => item !== undefined);
    for (const item of this.items) if (item !== undefined) order.check(item, first!);
    this.items.sort(order.compare);
    if (this.items.length > 1 && isWatched(this)) tellReset(this.items);
  }

  /** Reverses the order of the items. */
  @replicated reverse(): void {
    this.items.reverse();
    if (this.items.length > 1 && isWatched(this)) tellChange({ type: 'reverse' } satisfies ListChange<V>);
  }

  /**
   * Replaces all items by these. Returns how many there are then.
   *
   * @throws TypeError for anything but a list, and RangeError when it is too long: then the old ones stay.
   */
  @replicated reset(items: readonly V[]): number {
    checkRoom(0, checkList(items).length);
    const isChange = this.items.length + items.length > 0;
    this.items.length = 0;
    for (const item of items) this.items.push(item);
    if (isChange && isWatched(this)) tellReset(items);
    return this.items.length;
  }

  /** Removes all items. */
  @replicated clear(): void {
    if (this.items.length > 0 && isWatched(this)) tellChange({ type: 'clear' } satisfies ListChange<V>);
    this.items.length = 0;
  }

  /** The item at an index, or undefined if there is none. */
  @query at(index: number): V | undefined {
    return this.items.at(checkIndex(index));
  }

  /** The index of the first item from `start` on that is the same as this one, or -1. */
  @query indexOf(item: V, start = 0): number {
    return indexOf(this.items, item, clamped(checkIndex(start), this.items.length));
  }

  /** Is there an item that is the same as this one? */
  @query includes(item: V): boolean {
    return indexOf(this.items, item, 0) !== -1;
  }

  /** How many items are the same as this one. */
  @query count(item: V): number {
    let count = 0;
    for (const other of this.items) if (isSameContent(other, item)) count++;
    return count;
  }

  /** How many items there are. */
  @query size(): number {
    return this.items.length;
  }

  /** The items from an index on, up to and without the one at `end`; all of them by default. */
  @query slice(start = 0, end?: number): V[] {
    return this.items.slice(checkIndex(start), end === undefined ? undefined : checkIndex(end));
  }

  /**
   * All items. What calls return at a time is limited to 64 MiB (`ERR_RESULT_TOO_LARGE`): read a long list by
   * {@link slice}.
   */
  @query values(): V[] {
    return this.items.slice();
  }
}

function tellSplice(index: number, removed: readonly unknown[], added: readonly unknown[]): void {
  if (removed.length + added.length === 0) return;
  tellChange({ type: 'splice', index, removed, added } satisfies ListChange<unknown>);
}

function tellReset(values: readonly unknown[]): void {
  tellChange({ type: 'reset', values } satisfies ListChange<unknown>);
}

function indexOf(items: readonly unknown[], sought: unknown, start: number): number {
  const isEasy = (typeof sought !== 'object' || sought === null) && !Number.isNaN(sought);
  if (isEasy) return items.indexOf(sought, start);
  for (let index = start; index < items.length; index++) if (isSameContent(items[index], sought)) return index;
  return -1;
}

function checkIndex(index: unknown): number {
  if (typeof index === 'number' && Number.isInteger(index)) return index;
  throw new TypeError(
    `An index is a whole number, not ${typeof index === 'number' ? index : `of type ${typeof index}`}.`,
  );
}

/** The place that an index means where one beyond either end is that end. */
function clamped(index: number, length: number): number {
  return index < 0 ? Math.max(0, length + index) : Math.min(index, length);
}

function checkList<V>(items: readonly V[]): readonly V[] {
  if (Array.isArray(items)) return items;
  throw new TypeError(
    `Items are given as a list, not as ${items === null ? 'null' : `a value of type ${typeof items}`}.`,
  );
}

function checkRoom(length: number, added: number): void {
  if (length + added <= LENGTH_MAX) return;
  throw new RangeError(`A list has at most ${LENGTH_MAX} items: no room for ${added} besides ${length}.`);
}

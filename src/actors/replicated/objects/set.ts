/**
 * ReplSet: a replicated Set. Runs on the object's thread, like every replicated object.
 */

import { types } from 'node:util';
import { isWatched, tellChange } from '../command-context.js';
import { query, replicated } from '../decorators.js';
import { ownHooks } from '../own-hooks.js';
import { contentKey } from './content-key.js';
import { checkRoom, ENTRIES_MAX } from './entries-max.js';
import { inParts } from './in-parts.js';
import type { SetChange } from './object-changes.js';

/** Members as arguments take them. */
export type SetMembers<V> = ReadonlySet<V> | readonly V[];

/**
 * A Set that all nodes agree on, under the names of JavaScript's own. Members are whatever can be encoded. Primitives
 * are told apart as in Set (`NaN` is itself, `-0` is `0`); everything else by its content, for identity does not
 * survive the wire: two arrays are the same member when their items are, two plain objects, Maps or Sets also when
 * their content is in another order. Members keep the order in which they were added, and there are at most 8,388,608.
 *
 * All methods but `reset`, `update` and `values` take the same time however many members there are.
 *
 * @example
 * async function greet(present: RemoteOf<ReplSet<string>>): Promise<void> {
 *   await present.add('ann'); // true
 *   await present.add('ann'); // false: it was there
 *   await present.update(['bob', 'cid']); // 3
 *   await present.pop(); // 'ann', the oldest
 *   await present.has('ann'); // false
 * }
 */
export class ReplSet<V = unknown> {
  static readonly module = import.meta.url;
  /** @internal */
  static readonly [ownHooks] = true;
  declare readonly changes: SetChange<V>;
  /** By what tells members apart. */
  readonly #members = new Map<unknown, V>();
  /**
   * Stands before all members, or null: a new iterator would pass by everything that was removed before the oldest one.
   * It keeps alive what the Map has outgrown since it has last moved.
   */
  #oldest: IterableIterator<[key: unknown, member: V]> | null = null;
  #addedSincePop = 0;

  /**
   * Adds a member. False when it was there already.
   *
   * @throws RangeError when there is no room.
   */
  @replicated add(member: V): boolean {
    return this.#add(member);
  }

  /**
   * Adds many members, or none. Returns how many there are then.
   *
   * @throws TypeError for anything but a Set or a list; RangeError when there is no room for so many.
   */
  @replicated update(members: SetMembers<V>): number {
    checkMembers(members);
    checkRoom(this.#members.size, sizeOf(members));
    for (const member of members) this.#add(member);
    return this.#members.size;
  }

  /**
   * Replaces all members by these. Returns how many there are then.
   *
   * @throws TypeError for anything but a Set or a list, and RangeError when there is no room for so many: then the old
   *   ones stay.
   */
  @replicated reset(members: SetMembers<V>): number {
    checkMembers(members);
    checkRoom(0, sizeOf(members));
    this.#clear();
    for (const member of members) this.#add(member);
    return this.#members.size;
  }

  /** Removes a member. Was it there? */
  @replicated delete(member: V): boolean {
    return this.#remove(contentKey(member));
  }

  /** Removes the oldest member and returns it, or undefined if there is none. */
  @replicated pop(): V | undefined {
    this.#oldest ??= this.#members.entries();
    this.#addedSincePop = 0;
    const { done, value } = this.#oldest.next() as IteratorResult<[unknown, V], undefined>;
    if (done === true) {
      this.#oldest = null;
      return undefined;
    }
    this.#remove(value[0]);
    return value[1];
  }

  /** Removes all members. */
  @replicated clear(): void {
    this.#clear();
  }

  /** Is it a member? */
  @query has(member: V): boolean {
    return this.#members.has(contentKey(member));
  }

  /** How many members there are. */
  @query size(): number {
    return this.#members.size;
  }

  /** All members, oldest first. */
  @query values(): V[] {
    return [...this.#members.values()];
  }

  /** For snapshots; see {@link restore}. */
  snapshot(): Iterable<unknown> {
    return inParts(this.#members.values());
  }

  /** Brings back what {@link snapshot} gave. */
  async restore(state: AsyncIterable<unknown>): Promise<void> {
    for await (const part of state) {
      for (const member of part as V[]) this.#add(member);
    }
  }

  #add(member: V): boolean {
    const members = this.#members;
    const { size } = members;
    const key = contentKey(member);
    // What is no primitive stays as it was first given. Looking for others first would take as long as adding them.
    if ((size >= ENTRIES_MAX || isObject(member)) && members.has(key)) return false;
    checkRoom(size, 1);
    // As Set keeps 0 for -0.
    const value = (member === 0 ? 0 : member) as V;
    members.set(key, value);
    if (members.size === size) return false;
    if (isWatched(this)) tellChange({ type: 'add', value } satisfies SetChange<V>);
    if (++this.#addedSincePop > size) this.#oldest = null;
    return true;
  }

  #remove(key: unknown): boolean {
    const members = this.#members;
    if (!isWatched(this)) return members.delete(key);
    const member = members.get(key) as V;
    if (!members.delete(key)) return false;
    tellChange({ type: 'delete', value: member } satisfies SetChange<V>);
    return true;
  }

  #clear(): void {
    if (this.#members.size > 0 && isWatched(this)) tellChange({ type: 'clear' } satisfies SetChange<V>);
    this.#members.clear();
    this.#oldest = null;
  }
}

function isObject(member: unknown): boolean {
  return typeof member === 'object' && member !== null;
}

function checkMembers(members: unknown): void {
  if (!Array.isArray(members) && !types.isSet(members)) throw new TypeError('Members are a Set or a list.');
}

function sizeOf(members: SetMembers<unknown>): number {
  return 'size' in members ? members.size : members.length;
}

/**
 * ReplMap: a replicated Map. Runs on the object's thread, like every replicated object.
 */

import { isKeyWatched, isWatched, tellChange } from '../command-context.js';
import { query, replicated } from '../decorators.js';
import { checkRoom, ENTRIES_MAX } from './entries-max.js';
import type { MapChange } from './object-changes.js';

/** What a {@link ReplMap} takes as a key: what is compared by value, as objects are not. */
export type MapKey = string | number | bigint | boolean;

/** Entries as arguments take them: a Map, or a list of pairs. */
export type MapEntries<K, V> = ReadonlyMap<K, V> | readonly (readonly [key: K, value: V])[];

/**
 * A Map that all nodes agree on, under the names of JavaScript's own. Keys are strings, numbers, bigints or booleans,
 * compared as Map does; anything else is refused with a `TypeError`, and the command changes nothing. Values are
 * whatever can be encoded; what `get` and the like return is a copy. Entries keep the order in which their keys were
 * added, and there are at most 8,388,608: what would be one more is refused with a `RangeError`.
 *
 * All methods but `update`, `reset`, `keys`, `values` and `entries` take the same time however many entries there are.
 *
 * @example
 * async function play(scores: RemoteOf<ReplMap<string, number>>): Promise<void> {
 *   await scores.set('ann', 5);
 *   await scores.update([['bob', 3], ['cid', 4]]);
 *   await scores.getOrInsert('ann', 0); // 5
 *   await scores.pop('bob'); // 3
 *   await scores.size(); // 2
 * }
 */
export class ReplMap<K extends MapKey = MapKey, V = unknown> {
  static readonly module = import.meta.url;
  declare readonly changes: MapChange<K, V>;
  private readonly map = new Map<K, V>();

  /** Sets the value of a key. */
  @replicated set(key: K, value: V): void {
    this.put(checkKey(key), value);
  }

  /** The value of a key, which becomes `value` if the key has none yet. */
  @replicated getOrInsert(key: K, value: V): V {
    const { map } = this;
    if (!map.has(checkKey(key))) this.put(key, value);
    return map.get(key) as V;
  }

  /** Sets the values of many keys, or, when one of them is refused or there is no room if all are new, of none. */
  @replicated update(entries: MapEntries<K, V>): void {
    const checked = checkEntries(entries);
    checkRoom(this.map.size, checked.length);
    for (const [key, value] of checked) this.become(key, value);
  }

  /** Replaces all entries by these, or, when one of them is refused, none. */
  @replicated reset(entries: MapEntries<K, V>): void {
    const checked = checkEntries(entries);
    checkRoom(0, checked.length);
    this.empty();
    for (const [key, value] of checked) this.become(key, value);
  }

  /** Removes a key. Was it there? */
  @replicated delete(key: K): boolean {
    return this.remove(checkKey(key));
  }

  /** Removes a key and returns its value, or `fallback` if it was not there. */
  @replicated pop(key: K, fallback?: V): V | undefined {
    const { map } = this;
    if (!map.has(checkKey(key))) return fallback;
    const value = map.get(key);
    this.remove(key);
    return value;
  }

  /** Removes all keys. */
  @replicated clear(): void {
    this.empty();
  }

  /** The value of a key, or undefined. */
  @query get(key: K): V | undefined {
    return this.map.get(checkKey(key));
  }

  /** Is the key there? */
  @query has(key: K): boolean {
    return this.map.has(checkKey(key));
  }

  /** How many keys there are. */
  @query size(): number {
    return this.map.size;
  }

  /** All keys, oldest first. */
  @query keys(): K[] {
    return [...this.map.keys()];
  }

  /** All values, in the order of their keys. */
  @query values(): V[] {
    return [...this.map.values()];
  }

  /** All keys and values, oldest first. */
  @query entries(): [key: K, value: V][] {
    return [...this.map];
  }

  private put(key: K, value: V): void {
    const { map } = this;
    if (map.size >= ENTRIES_MAX && !map.has(key)) checkRoom(map.size, 1);
    this.become(key, value);
  }

  private become(key: K, value: V): void {
    if (isWatched(this)) this.tellSet(key, value);
    this.map.set(key, value);
  }

  private remove(key: K): boolean {
    const { map } = this;
    if (!isWatched(this)) return map.delete(key);
    const previous = map.get(key) as V;
    if (!map.delete(key)) return false;
    tellChange({ type: 'delete', key, previous } satisfies MapChange<K, V>);
    return true;
  }

  private empty(): void {
    if (this.map.size > 0 && isWatched(this)) tellChange({ type: 'clear' } satisfies MapChange<K, V>);
    this.map.clear();
  }

  /** Before it is so. */
  private tellSet(key: K, value: V): void {
    const { map } = this;
    const previous = map.get(key) as V;
    const isNew = previous === undefined && !map.has(key);
    if (!isNew && Object.is(value, previous) && !isObject(value)) return;
    if (!isKeyWatched(this, key)) return;
    const change: MapChange<K, V> = isNew ? { type: 'set', key, value } : { type: 'set', key, value, previous };
    tellChange(change);
  }
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}

function checkKey<K>(key: K): K {
  const type = typeof key;
  if (type === 'string' || type === 'number' || type === 'bigint' || type === 'boolean') return key;
  throw new TypeError(
    `A key is a string, a number, a bigint or a boolean, not ${key === null ? 'null' : `of type ${type}`}.`,
  );
}

/** All entries, checked before the first of them is used. */
function checkEntries<K, V>(entries: MapEntries<K, V>): [K, V][] {
  if (!(entries instanceof Map) && !Array.isArray(entries))
    throw new TypeError('Entries are a Map or a list of pairs.');
  const checked: [K, V][] = [];
  for (const entry of entries as Iterable<unknown>) {
    if (!Array.isArray(entry) || entry.length !== 2) throw new TypeError('An entry is a pair of a key and a value.');
    checked.push([checkKey(entry[0] as K), entry[1] as V]);
  }
  return checked;
}

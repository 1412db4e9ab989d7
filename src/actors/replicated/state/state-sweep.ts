/**
 * One walk over values in search of what no snapshot can hold, a little at a time, while the values change. Owned by a
 * StateWatch, on the object's thread. What is added behind it while it walks is left to the next one; it runs no code
 * of the user and keeps only containers that are large or linked in a circle, for those alone must not be walked twice.
 */

import { types } from 'node:util';
import { closureOf, dataKeys, isPlainProperty, Kind, kindOf } from './container-kinds.js';
import { ContainerSet } from './container-set.js';

/** A container with all that is in it is walked at once if it holds no more values and levels than this. */
const SMALL_VALUES_MAX = 32;
const SMALL_LEVELS_MAX = 3;

/** Objects with more properties are walked once: the engine lists them all at once, and the thread waits for it. */
const LISTED_KEYS_MAX = 10_000;
const hugeObjects = new WeakSet<object>();

/** What came of looking at something. */
const Verdict = { fit: 0, unfit: 1, large: 2 } as const;
type Verdict = (typeof Verdict)[keyof typeof Verdict];

export class StateSweep {
  /** Containers whose content is to be looked at, in the order in which they were met. */
  readonly #queue: object[];
  readonly #met = new ContainerSet();
  readonly #instance: object;
  #current = 0;
  /** How far within the current container. */
  #position = 0;
  #iterator: IterableIterator<unknown> | null = null;
  #keys: readonly string[] | null = null;
  /** How many more values may be looked at in this run. */
  #budget = 0;
  /** How many more a container may hold to be small. */
  #smallValues = 0;
  /** Has something been found that no snapshot can hold? */
  isUnfit = false;

  /** A walk over these values of an instance, which may refer to itself. */
  constructor(values: readonly unknown[], instance: object) {
    this.#queue = [values];
    this.#instance = instance;
  }

  /** Has all been looked at? */
  get isDone(): boolean {
    return this.#current === this.#queue.length;
  }

  /** Looks at about so many values; returns how many of them are left, because all is done or something was found. */
  run(budget: number): number {
    this.#budget = budget;
    while (!this.isDone && this.#budget > 0 && !this.isUnfit) {
      if (!this.#walk(this.#queue[this.#current]!)) continue;
      this.#current++;
      this.#position = 0;
      this.#iterator = null;
      this.#keys = null;
      this.#budget--;
    }
    return Math.max(0, this.#budget);
  }

  /** Goes on with the content of the current container. True at its end. */
  #walk(container: object): boolean {
    if (Array.isArray(container)) return this.#walkItems(container);
    if (types.isMap(container)) return this.#walkEntries(container);
    if (types.isSet(container)) return this.#walkMembers(container);
    return this.#walkProperties(container);
  }

  #walkItems(array: readonly unknown[]): boolean {
    while (this.#position < array.length) {
      if (this.#budget <= 0) return false;
      if (!this.#look(array[this.#position++])) return false;
    }
    return true;
  }

  #walkEntries(map: ReadonlyMap<unknown, unknown>): boolean {
    this.#iterator ??= map.entries();
    // Going on with an iterator is what is meant: that of a Map stays valid whatever is done to the Map meanwhile.
    for (const [key, value] of this.#iterator as IterableIterator<[unknown, unknown]>) {
      if (!this.#look(key) || !this.#look(value) || this.#budget <= 0) return false;
    }
    return true;
  }

  #walkMembers(set: ReadonlySet<unknown>): boolean {
    this.#iterator ??= set.values();
    for (const member of this.#iterator) {
      if (!this.#look(member) || this.#budget <= 0) return false;
    }
    return true;
  }

  #walkProperties(object: object): boolean {
    this.#keys ??= dataKeys(object);
    const keys = this.#keys;
    if (keys === null) return this.#refuse();
    if (keys.length > LISTED_KEYS_MAX) hugeObjects.add(object);
    const closure = closureOf(object);
    while (this.#position < keys.length) {
      if (this.#budget <= 0) return false;
      const property = Object.getOwnPropertyDescriptor(object, keys[this.#position++]!);
      if (property === undefined) continue;
      if (!isPlainProperty(property, closure)) return this.#refuse();
      if (!this.#look(property.value)) return false;
    }
    return true;
  }

  /** False when no snapshot can hold this. */
  #look(value: unknown): boolean {
    this.#budget--;
    if (!isContainer(value)) return isFitPrimitive(value) || this.#refuse();
    this.#smallValues = SMALL_VALUES_MAX;
    const verdict = this.#lookInto(value, 1);
    this.#budget -= SMALL_VALUES_MAX - this.#smallValues;
    if (verdict === Verdict.unfit) return this.#refuse();
    if (verdict === Verdict.large) {
      this.#met.add(value);
      this.#queue.push(value);
    }
    return true;
  }

  #refuse(): false {
    this.isUnfit = true;
    return false;
  }

  /** Looks at a container and, as far as it is small, at all that is in it. */
  #lookInto(container: object, level: number): Verdict {
    if (container === this.#instance) return Verdict.fit;
    const kind = kindOf(container);
    switch (kind) {
      case Kind.refused:
        return Verdict.unfit;
      case Kind.date:
      case Kind.arrayBuffer:
      case Kind.view:
        return Verdict.fit;
      default:
    }
    if (this.#met.has(container)) return Verdict.fit;
    if (level > SMALL_LEVELS_MAX) return Verdict.large;
    if (kind === Kind.object || kind === Kind.nullPrototypeObject) return this.#lookIntoProperties(container, level);
    if (kind === Kind.map) return this.#lookIntoEntries(container as Map<unknown, unknown>, level);
    if (kind === Kind.set)
      return this.#lookIntoItems(container as Set<unknown>, (container as Set<unknown>).size, level);
    return this.#lookIntoItems(container as unknown[], (container as unknown[]).length, level);
  }

  #lookIntoEntries(map: ReadonlyMap<unknown, unknown>, level: number): Verdict {
    if (2 * map.size > this.#smallValues) return Verdict.large;
    for (const [key, value] of map) {
      const verdict = this.#lookAtItem(key, level) || this.#lookAtItem(value, level);
      if (verdict !== Verdict.fit) return verdict;
    }
    return Verdict.fit;
  }

  #lookIntoItems(items: Iterable<unknown>, size: number, level: number): Verdict {
    if (size > this.#smallValues) return Verdict.large;
    for (const item of items) {
      const verdict = this.#lookAtItem(item, level);
      if (verdict !== Verdict.fit) return verdict;
    }
    return Verdict.fit;
  }

  #lookIntoProperties(object: object, level: number): Verdict {
    if (hugeObjects.has(object)) return Verdict.fit;
    const keys = dataKeys(object);
    if (keys === null) return Verdict.unfit;
    if (keys.length > this.#smallValues) return Verdict.large;
    const closure = closureOf(object);
    for (const key of keys) {
      const property = Object.getOwnPropertyDescriptor(object, key)!;
      const verdict = isPlainProperty(property, closure) ? this.#lookAtItem(property.value, level) : Verdict.unfit;
      if (verdict !== Verdict.fit) return verdict;
    }
    return Verdict.fit;
  }

  #lookAtItem(value: unknown, level: number): Verdict {
    if (--this.#smallValues < 0) return Verdict.large;
    if (isContainer(value)) return this.#lookInto(value, level + 1);
    return isFitPrimitive(value) ? Verdict.fit : Verdict.unfit;
  }
}

function isContainer(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function isFitPrimitive(value: unknown): boolean {
  return typeof value !== 'function' && typeof value !== 'symbol';
}

/**
 * Items of which the one that comes first in some order can be taken at any time, and of those that are equal the
 * oldest: a binary heap, in which adding and taking cost log n. Owned by one ReplPriorityQueue. Comparing may throw,
 * and then nothing has changed.
 */

import type { Compare } from './item-order.js';

/** A part of a heap, in the heap's own order. */
export interface HeapPart<Item> {
  readonly items: readonly Item[];
  readonly turns: readonly number[];
}

/** By the depth: the place where an item moves up from while the first one is taken. More than a heap is deep. */
const path = new Uint32Array(32);

export class Heap<Item> {
  readonly #compare: Compare<Item>;
  /** Invariant: no item comes before the one at half its place. */
  readonly #items: Item[] = [];
  /** By item: a number that was larger for each one that was added, so that equal ones can be told apart. */
  readonly #turns: number[] = [];
  /** The number that the next item gets. */
  nextTurn = 0;

  constructor(compare: Compare<Item>) {
    this.#compare = compare;
  }

  get size(): number {
    return this.#items.length;
  }

  push(item: Item): void {
    const items = this.#items;
    const turns = this.#turns;
    const end = items.length;
    let place = end;
    // Behind those that are equal, for they are older.
    while (place > 0 && this.#compare(item, items[(place - 1) >> 1]!) < 0) place = (place - 1) >> 1;
    for (let hole = end; hole > place; hole = (hole - 1) >> 1) {
      items[hole] = items[(hole - 1) >> 1]!;
      turns[hole] = turns[(hole - 1) >> 1]!;
    }
    items[place] = item;
    turns[place] = this.nextTurn++;
  }

  /** The item that comes first, or undefined if there is none. */
  peek(): Item | undefined {
    return this.#items[0];
  }

  /** Removes the item that comes first and returns it, or undefined if there is none. */
  shift(): Item | undefined {
    const items = this.#items;
    const turns = this.#turns;
    const end = items.length - 1;
    if (end <= 0) {
      turns.pop();
      return items.pop();
    }
    const depth = this.#findPath(end);
    const first = items[0];
    let hole = 0;
    for (let level = 0; level < depth; level++) {
      const place = path[level]!;
      items[hole] = items[place]!;
      turns[hole] = turns[place]!;
      hole = place;
    }
    items[hole] = items[end]!;
    turns[hole] = turns[end]!;
    items.pop();
    turns.pop();
    return first;
  }

  clear(): void {
    this.#items.length = 0;
    this.#turns.length = 0;
  }

  /** All of it, in parts of so many items. */
  *parts(itemsMax: number): Iterable<HeapPart<Item>> {
    for (let start = 0; start < this.#items.length; start += itemsMax) {
      const end = start + itemsMax;
      yield { items: this.#items.slice(start, end), turns: this.#turns.slice(start, end) };
    }
  }

  /** Adds the next part of a heap that ordered as this one does, and to which nothing has been added meanwhile. */
  restore({ items, turns }: HeapPart<Item>): void {
    for (const item of items) this.#items.push(item);
    for (const turn of turns) this.#turns.push(turn);
  }

  /** Writes to `path` the places from which items move up until the one at `end` fits. Returns how many there are. */
  #findPath(end: number): number {
    let depth = 0;
    for (let hole = 0; ;) {
      let place = 2 * hole + 1;
      if (place >= end) return depth;
      if (place + 1 < end && this.#isBefore(place + 1, place)) place++;
      if (!this.#isBefore(place, end)) return depth;
      path[depth++] = hole = place;
    }
  }

  #isBefore(place: number, other: number): boolean {
    const order = this.#compare(this.#items[place]!, this.#items[other]!);
    return order < 0 || (order === 0 && this.#turns[place]! < this.#turns[other]!);
  }
}

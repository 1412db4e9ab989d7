/**
 * A row of items, first in, first out: each push and shift takes the same time however long it is, and memory is given
 * back as items leave. Owned by one ReplQueue.
 */

/** Items that are allocated together, and at most so many places that items have left are kept. */
const BLOCK_ITEMS = 1024;

interface Block<Item> {
  /** Only the last one of the row has fewer than `BLOCK_ITEMS`. */
  readonly items: (Item | undefined)[];
  next: Block<Item> | null;
}

export class Fifo<Item> {
  #first: Block<Item> = { items: [], next: null };
  #last = this.#first;
  /** How many items of the first block have left. */
  #left = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  push(item: Item): void {
    if (this.#last.items.length === BLOCK_ITEMS) this.#last = this.#last.next = { items: [], next: null };
    this.#last.items.push(item);
    this.#size++;
  }

  /** Removes the oldest item and returns it, or undefined if there is none. */
  shift(): Item | undefined {
    if (this.#size === 0) return undefined;
    const block = this.#oldest();
    const item = block.items[this.#left];
    block.items[this.#left++] = undefined;
    this.#size--;
    return item;
  }

  /** The oldest item, or undefined if there is none. */
  peek(): Item | undefined {
    return this.#size === 0 ? undefined : this.#oldest().items[this.#left];
  }

  clear(): void {
    this.#first = this.#last = { items: [], next: null };
    this.#left = 0;
    this.#size = 0;
  }

  /** All items, oldest first. Must not change meanwhile. */
  *[Symbol.iterator](): Iterator<Item> {
    let start = this.#left;
    for (let block: Block<Item> | null = this.#first; block !== null; block = block.next) {
      for (let index = start; index < block.items.length; index++) yield block.items[index] as Item;
      start = 0;
    }
  }

  /** The block that the oldest item is in; there is one. */
  #oldest(): Block<Item> {
    if (this.#left === BLOCK_ITEMS) {
      this.#first = this.#first.next!;
      this.#left = 0;
    }
    return this.#first;
  }
}

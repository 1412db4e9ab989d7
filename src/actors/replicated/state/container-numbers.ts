/**
 * The number of each container that has been met in a body, so that the next time it can be referred to. Owned by one
 * StateWriter.
 */

/** A Map of V8 holds 2^24 entries at most, and a state may hold more containers. */
const SHARD_ENTRIES_MAX = 2 ** 22;

export class ContainerNumbers {
  #size = 0;
  #shard = new Map<object, number>();
  #fullShards: Map<object, number>[] = [];

  /** Gives the container the next number, starting with 0. */
  add(container: object): void {
    if (this.#shard.size === SHARD_ENTRIES_MAX) {
      this.#fullShards.push(this.#shard);
      this.#shard = new Map();
    }
    this.#shard.set(container, this.#size++);
  }

  get(container: object): number | undefined {
    const number = this.#shard.get(container);
    if (number !== undefined || this.#fullShards.length === 0) return number;
    return this.#fullShards.find((shard) => shard.has(container))?.get(container);
  }

  clear(): void {
    this.#size = 0;
    this.#shard.clear();
    this.#fullShards = [];
  }
}

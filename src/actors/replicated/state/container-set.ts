/**
 * A set of objects that grows without long stops: a large Set is copied as a whole whenever it grows, and this one
 * starts another instead. Owned by one sweep.
 */

/** Growing to this size stops a thread for two or three milliseconds. */
const SHARD_ENTRIES_MAX = 2 ** 16;

export class ContainerSet {
  readonly #shards: Set<object>[] = [];

  add(container: object): void {
    let shard = this.#shards.at(-1);
    if (shard === undefined || shard.size === SHARD_ENTRIES_MAX) this.#shards.push((shard = new Set()));
    shard.add(container);
  }

  has(container: object): boolean {
    for (const shard of this.#shards) if (shard.has(container)) return true;
    return false;
  }
}

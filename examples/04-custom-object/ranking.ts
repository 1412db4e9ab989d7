/**
 * The points of many players, and who is the best of them: a class that says itself what its state is. The order is
 * worth keeping in memory and not worth keeping on a disk, and both fields are private to the class, which only it can
 * read.
 */

import { query, replicated } from 'conclave';

interface Entry {
  readonly player: string;
  points: number;
}

/** What a chunk of a snapshot holds. Small pieces let the server do other things in between. */
const CHUNK_ENTRIES = 1_000;

export class Ranking {
  static readonly module = import.meta.url;
  readonly #byPlayer = new Map<string, Entry>();
  /** Invariant: the same entries, most points first; of equals the first by name. */
  #order: Entry[] = [];

  /** Returns the place that the player has then, from 1. */
  @replicated score(player: string, points: number): number {
    if (!Number.isFinite(points)) throw new RangeError('points must be a number');
    const known = this.#byPlayer.get(player);
    if (known !== undefined) this.#order.splice(this.#placeOf(known), 1);
    const entry = { player, points: (known?.points ?? 0) + points };
    this.#byPlayer.set(player, entry);
    const place = this.#placeOf(entry);
    this.#order.splice(place, 0, entry);
    return place + 1;
  }

  @query top(count: number): [player: string, points: number][] {
    return this.#order.slice(0, count).map(({ player, points }) => [player, points]);
  }

  @query size(): number {
    return this.#order.length;
  }

  /** What must be kept, in chunks; of everything else it can be made again. */
  *snapshot(): Iterable<[player: string, points: number][]> {
    for (let start = 0; start < this.#order.length; start += CHUNK_ENTRIES) {
      yield this.#order.slice(start, start + CHUNK_ENTRIES).map(({ player, points }) => [player, points]);
    }
  }

  /** Called on a new object, with what `snapshot` has yielded. */
  async restore(chunks: AsyncIterable<[player: string, points: number][]>): Promise<void> {
    for await (const chunk of chunks) {
      for (const [player, points] of chunk) this.#byPlayer.set(player, { player, points });
    }
    this.#order = [...this.#byPlayer.values()].sort(compare);
  }

  /** Where the entry is, or belongs: a binary search. */
  #placeOf(entry: Entry): number {
    let [low, high] = [0, this.#order.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compare(this.#order[middle]!, entry) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function compare(a: Entry, b: Entry): number {
  if (a.points !== b.points) return b.points - a.points;
  return a.player < b.player ? -1 : Number(a.player > b.player);
}

/** How often each thing has happened, by its name. */

export class Coverage {
  readonly #counts = new Map<string, number>();

  count(event: string, times = 1): void {
    this.#counts.set(event, (this.#counts.get(event) ?? 0) + times);
  }

  of(event: string): number {
    return this.#counts.get(event) ?? 0;
  }

  /** Adds what another one has counted. */
  add(other: Iterable<readonly [event: string, count: number]>): void {
    for (const [event, count] of other) this.count(event, count);
  }

  [Symbol.iterator](): IterableIterator<[event: string, count: number]> {
    return this.#counts[Symbol.iterator]();
  }
}

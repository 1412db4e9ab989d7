/**
 * Which of the answered calls have been put in order, with a key by which two such sets can be compared. Calls are put
 * in order about as they were invoked, so a set is a prefix and a few more, and its key is short.
 */

const BITS_PER_CHARACTER = 16;

export class OrderedSet {
  /** 1 for each call that has been put in order, by its place in the order of invocations. */
  readonly #isOrdered: Uint8Array;
  #size = 0;

  constructor(callCount: number) {
    this.#isOrdered = new Uint8Array(callCount);
  }

  add(index: number): void {
    this.#isOrdered[index] = 1;
    this.#size += 1;
  }

  remove(index: number): void {
    this.#isOrdered[index] = 0;
    this.#size -= 1;
  }

  /** Two sets are the same if their keys are. `firstMissing` is the first call that is not in the set. */
  key(firstMissing: number): string {
    let left = this.#size - firstMissing;
    let key = String(firstMissing);
    if (left === 0) return key;
    key += ':';
    for (let from = firstMissing + 1; left > 0; from += BITS_PER_CHARACTER) {
      let bits = 0;
      for (let bit = 0; bit < BITS_PER_CHARACTER; bit++) {
        if (this.#isOrdered[from + bit] !== 1) continue;
        bits |= 1 << bit;
        left -= 1;
      }
      key += String.fromCharCode(bits);
    }
    return key;
  }
}

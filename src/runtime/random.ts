/**
 * Randomness as the runtime knows it: handed in, so that one seed replays one history.
 */

export interface Random {
  /** A whole number in [0, 2^32). */
  uint32(): number;
}

/** A reproducible generator (mulberry32: 32 bits of state, passes gjrand). Not for secrets. */
export class SeededRandom implements Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  uint32(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }
}

/** A whole number in [0, limit), where limit is at most 2^32. */
export function randomBelow(random: Random, limit: number): number {
  return Math.floor((random.uint32() / 0x1_0000_0000) * limit);
}

/** Random choices of all kinds, from one seed. */

import { SeededRandom, type Random } from '../../runtime/random.js';

export class Dice implements Random {
  readonly #random: SeededRandom;

  constructor(seed: number) {
    this.#random = new SeededRandom(seed);
  }

  uint32(): number {
    return this.#random.uint32();
  }

  /** A number in [min, max). */
  between(min: number, max: number): number {
    return min + (this.uint32() / 0x1_0000_0000) * (max - min);
  }

  /** A whole number in [0, limit). */
  below(limit: number): number {
    return Math.floor(this.between(0, limit));
  }

  /** True with this probability. */
  chance(probability: number): boolean {
    return this.between(0, 1) < probability;
  }

  oneOf<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)]!;
  }

  /** 32 hex digits. */
  id(): string {
    return Array.from({ length: 4 }, () => this.uint32().toString(16).padStart(8, '0')).join('');
  }

  /** Other dice, which roll as these say. */
  fork(): Dice {
    return new Dice(this.uint32());
  }
}

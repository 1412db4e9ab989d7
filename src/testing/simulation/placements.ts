/**
 * On which threads the nodes of a simulated cluster have their objects: drawn for each life of a node, so that those
 * who agree with each other have them in different places.
 */

import type { Dice } from './dice.js';

const THREADS = ['x', 'y'] as const;
/** Of one node, with the one whose objects are placed nowhere else. */
export const MACHINES_MAX = THREADS.length + 1;

export class Placements {
  readonly #dice: Dice;
  readonly #objects: readonly string[];

  /** `objects` are the names of those that there are, and of those that may be created. */
  constructor(dice: Dice, objects: readonly string[]) {
    this.#dice = dice;
    this.#objects = objects;
  }

  /** Draws the option `placement` of one life. */
  draw(): Readonly<Record<string, string>> {
    const dice = this.#dice;
    // Some have what most nodes in production have.
    if (dice.chance(0.25)) return {};
    const placed = this.#objects.filter(() => dice.chance(0.7));
    return Object.fromEntries(placed.map((object) => [object, dice.oneOf(THREADS)]));
  }
}

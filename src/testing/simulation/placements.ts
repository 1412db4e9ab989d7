/**
 * On which threads the nodes of a simulated cluster have their objects: drawn for each life of a node, so that those who agree
 * with each other have them in different places.
 */

import type { Dice } from './dice.js';

const THREADS = ['x', 'y'] as const;

/** Draws the option `placement` of one life. */
export function drawPlacement(dice: Dice, objects: readonly string[]): Readonly<Record<string, string>> {
  // Some have what most nodes in production have.
  if (dice.chance(0.25)) return {};
  const placed = objects.filter(() => dice.chance(0.7));
  return Object.fromEntries(placed.map((object) => [object, dice.oneOf(THREADS)]));
}

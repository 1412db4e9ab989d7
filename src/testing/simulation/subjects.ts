/**
 * What a history of Conclave itself is about besides consensus and plain objects. Most are about nothing else: what is done for
 * the sake of a subject takes its share of the time, and of the network.
 */

import { Dice } from './dice.js';

/**
 * `locks`: sessions, claims and fencing tokens of a lock manager. `created objects`: those that are created and dropped at run
 * time. `code versions`: nodes that are given new code for their objects, one by one.
 */
export const SUBJECTS = ['locks', 'created objects', 'code versions'] as const;

export type Subject = (typeof SUBJECTS)[number];

/** How many histories are about any. */
const SHARE = 0.25;
/** How many of those are about each. */
const EACH = 0.6;
/** Dice of its own, and such that seeds that were known to find something when there were no subjects draw none. */
const SALT = 4_598;

/** What the history of a seed is about. */
export function drawSubjects(seed: number): ReadonlySet<Subject> {
  const dice = new Dice((seed ^ SALT) >>> 0);
  if (!dice.chance(SHARE)) return new Set();
  return new Set(SUBJECTS.filter(() => dice.chance(EACH)));
}

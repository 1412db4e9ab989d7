/**
 * What a history of Conclave itself is about besides consensus and plain objects. Most are about nothing else: what is
 * done for the sake of a subject takes its share of the time, and of the network.
 */

import { Dice } from './dice.js';

/**
 * `locks`: sessions, claims and fencing tokens of a lock manager. `created objects`: those that are created and dropped
 * at run time. `code versions`: nodes that are given new code for their objects, one by one. `elections`: candidates
 * and observers of an election that a lock manager keeps.
 */
export const SUBJECTS = ['locks', 'created objects', 'code versions', 'elections'] as const;

export type Subject = (typeof SUBJECTS)[number];

/** Drawn together: how many histories are about any of these, and how many of those about each. */
const TOGETHER = ['locks', 'created objects', 'code versions'] as const satisfies readonly Subject[];
const TOGETHER_SHARE = 0.25;
const EACH_SHARE = 0.6;
/** Drawn for itself: the others do not depend on it. */
const ELECTIONS_SHARE = 0.12;
/**
 * Dice of their own, and such that seeds that were known to find something before there was a subject do not draw it.
 */
const TOGETHER_SALT = 4_598;
const ELECTIONS_SALT = 557;

/** What the history of a seed is about. */
export function drawSubjects(seed: number): ReadonlySet<Subject> {
  const dice = new Dice((seed ^ TOGETHER_SALT) >>> 0);
  const isAboutAny = dice.chance(TOGETHER_SHARE);
  const drawn: Subject[] = TOGETHER.filter(() => isAboutAny && dice.chance(EACH_SHARE));
  if (new Dice((seed ^ ELECTIONS_SALT) >>> 0).chance(ELECTIONS_SHARE)) drawn.push('elections');
  return new Set(drawn);
}

/**
 * What is done in some histories to bring about, on purpose, what chance hardly ever does. With dice of their own, so
 * that what others draw does not depend on them.
 */

import type { Dice } from '../dice.js';
import { RATES } from '../faults/fault-injector.js';
import type { ClockError } from '../simulated-process.js';
import type { Subject } from '../subjects.js';

export interface Drills {
  readonly dice: Dice;
  /** Is whoever holds a lock cut off at the end, just when its session was renewed, while another one waits? */
  readonly hasDuels: boolean;
  /** And do their clocks run as far apart as is allowed for? */
  readonly areClocksApart: boolean;
  /** Is one cut off while all others are given new code? */
  readonly hasSeclusion: boolean;
}

const DUELS_SHARE = 0.5;
const APART_SHARE = 0.7;
const SECLUSION_SHARE = 0.4;

export function drawDrills(subjects: ReadonlySet<Subject>, dice: Dice): Drills {
  const hasDuels = dice.chance(DUELS_SHARE) && subjects.has('locks');
  const areClocksApart = dice.chance(APART_SHARE) && hasDuels;
  const hasSeclusion = dice.chance(SECLUSION_SHARE) && subjects.has('code versions');
  return { dice, hasDuels, areClocksApart, hasSeclusion };
}

/** Every clock is as fast or as slow as it may be, and calendars, which nobody keeps right, are so too. */
export function clocksApart(dice: Dice): () => ClockError {
  return () => {
    const rate = dice.oneOf(RATES);
    return { rate, offsetMs: dice.between(0, 1_000), wallRate: rate, wallOffsetMs: dice.below(10_000) - 5_000 };
  };
}

/** How long things take those who hold locks, or lead, in a simulated cluster, and those who watch over them. Pure. */

import type { Dice } from '../dice.js';

const TTLS_MS = [100, 150, 300] as const;
/** Where what goes wrong lasts for seconds. */
const CALM_TTL_MS = 2_000;
const THINK_MS = [1, 40] as const;

export const LOOK_EVERY_MS = 1;
/** How long a keeper may take to look, and a quiet cluster to do what it is asked. */
export const SPARE_MS = 1_000;

/** @param pace see `ClusterShape.pace` */
export function drawTtlMs(dice: Dice, pace: number): number {
  return pace > 1 ? CALM_TTL_MS : dice.oneOf(TTLS_MS);
}

/** How long they think before they act again, at least and at the most. */
export function thinkMsAt(pace: number): readonly [min: number, max: number] {
  return [pace * THINK_MS[0], pace * THINK_MS[1]];
}

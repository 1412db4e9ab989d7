/**
 * How writing and reading a state is cut into slices. Plain counting: no clock is looked at; whether the end of a slice
 * is also a pause is for whoever asked for the work to say.
 */

import type { Pause } from '../../../storage/pause.js';

/** What is done between two pauses: one unit for each value, and one for every {@link BYTES_PER_UNIT}. */
export const SLICE_UNITS = 8192;

/** Long strings and memory count by their bytes: half a mebibyte of them is a slice. */
export const BYTES_PER_UNIT = 64;

/**
 * Calls `step` until it returns true, and `pause` in between. Returns no promise when there was nothing to wait for:
 * the work was then done without giving up the turn.
 */
export function runInSlices(step: () => boolean, pause: Pause): Promise<void> | undefined {
  while (!step()) {
    const waiting = pause();
    if (waiting !== undefined) return goOn(waiting, step, pause);
  }
  return undefined;
}

async function goOn(waiting: Promise<void>, step: () => boolean, pause: Pause): Promise<void> {
  await waiting;
  while (!step()) {
    const next = pause();
    if (next !== undefined) await next;
  }
}

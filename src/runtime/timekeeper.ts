/**
 * Time for what is no actor, and runs on the caller's thread: a clock, and timers that go by it. Handed in like an
 * actor's, so that a simulation can own it.
 */

import type { Timer } from './actor.js';
import { systemClock, type Clock } from './clock.js';

export interface Timekeeper {
  readonly clock: Clock;
  /** Calls `run` once, not before `delayMs` have passed. */
  after(delayMs: number, run: () => void): Timer;
}

/** The machine's clocks. A timer does not keep the process alive. */
export const systemTimekeeper: Timekeeper = {
  clock: systemClock,
  after(delayMs, run) {
    const timeout = setTimeout(run, delayMs).unref();
    return { cancel: () => clearTimeout(timeout) };
  },
};

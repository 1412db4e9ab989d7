/**
 * Time for what is no actor, and runs on the caller's thread: a clock, and timers that go by it. Handed in like an
 * actor's, so that a simulation can own it.
 */

import type { Timer } from './actor.js';
import { systemClock, TIMEOUT_MS_MAX, type Clock } from './clock.js';

export interface Timekeeper {
  readonly clock: Clock;
  /** Calls `run` once, not before `delayMs` have passed. */
  after(delayMs: number, run: () => void): Timer;
  /**
   * Something is waited for that nothing else keeps the process alive for: it lives on until what is returned is
   * called. Undefined: it need not.
   */
  holdProcess?(): () => void;
}

/** The machine's clocks. A timer does not keep the process alive. */
export const systemTimekeeper: Timekeeper = {
  clock: systemClock,
  after(delayMs, run) {
    const timeout = setTimeout(run, delayMs).unref();
    return { cancel: () => clearTimeout(timeout) };
  },
};

/**
 * The same for those who wait for another process, and may have no connection to it in the meantime: the process lives
 * on while they wait.
 */
export const waitingTimekeeper: Timekeeper = {
  ...systemTimekeeper,
  holdProcess() {
    const timer = setInterval(() => {}, TIMEOUT_MS_MAX);
    return () => clearInterval(timer);
  },
};

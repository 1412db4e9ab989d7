/**
 * Time as the runtime knows it. Actors never read a clock of the machine: they are given one, so that a simulation can
 * own time.
 */

export interface Clock {
  /** Milliseconds on a clock that never runs backwards; its zero means nothing and differs between threads. */
  nowMs(): number;
  /** Whole milliseconds since 1970 by the machine's calendar clock, which may jump. */
  wallMs(): number;
}

/** The longest time that a timer of Node can be set to, in milliseconds: 24.8 days. */
export const TIMEOUT_MS_MAX = 2 ** 31 - 1;

/** The machine's clocks. */
export const systemClock: Clock = {
  nowMs: () => performance.now(),
  wallMs: () => Date.now(),
};

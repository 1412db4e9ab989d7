/** What checkers know of time that no node knows: how far the clocks of nodes may differ from the true one. */

/** No clock of a node that Conclave is made for runs faster than this; two of them run at most 10 % apart. */
export const CLOCK_RATE_MAX = 1.045;

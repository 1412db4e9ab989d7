/** When what could not be done is tried again. Pure. */

/** This part of the TTL later, */
const PART = 1 / 10;
/** but no later than this: a TTL may be a day, and what keeps one from it is over in seconds, as a rule. */
const RETRY_MS_MAX = 5_000;

export function retryAfterMs(ttlMs: number): number {
  return Math.min(ttlMs * PART, RETRY_MS_MAX);
}

/** How long locks and elections wait before they try again what has failed. Pure. */

/** In parts of the TTL: while it runs, there is time for several tries. */
const RETRY_AFTER = 0.1;
/** A TTL may be a day, and what makes a try fail is over in seconds, as a rule. */
const RETRY_MS_MAX = 5_000;

export function retryAfterMs(ttlMs: number): number {
  return Math.min(ttlMs * RETRY_AFTER, RETRY_MS_MAX);
}

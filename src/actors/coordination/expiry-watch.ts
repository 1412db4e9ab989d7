/**
 * Which sessions have not been renewed for their TTL, as one keeper sees it on its own monotonic clock: from when it
 * has first seen a session as it is now. Pure; it compares no clock with that of anybody else, and decides nothing:
 * `expire` does, where it stands in the log.
 */

import type { SessionSighting } from './coordination.js';

interface Seen {
  readonly renewals: number;
  readonly sinceMs: number;
}

export class ExpiryWatch {
  #seen = new Map<number, Seen>();

  /** Begins anew: what was seen before does not count. */
  reset(): void {
    this.#seen.clear();
  }

  /** All sessions as they were seen a moment before `nowMs`. Returns those whose time is over. */
  look(sightings: readonly SessionSighting[], nowMs: number): SessionSighting[] {
    const seen = new Map<number, Seen>();
    const overdue: SessionSighting[] = [];
    for (const sighting of sightings) {
      const [session, renewals, ttlMs] = sighting;
      const before = this.#seen.get(session);
      // When it is seen, not when it was renewed, which was earlier: the keeper errs on the side of who holds.
      const current = before?.renewals === renewals ? before : { renewals, sinceMs: nowMs };
      seen.set(session, current);
      if (nowMs - current.sinceMs >= ttlMs) overdue.push(sighting);
    }
    this.#seen = seen;
    return overdue;
  }
}

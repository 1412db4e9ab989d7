/**
 * Ends the sessions of those that have gone without a word. Runs beside the handle of every node that has a
 * Coordination, on the caller's thread, and works only while its node leads: it looks at all sessions now and then, and
 * asks for the end of those that were not renewed for their TTL by its own monotonic clock, counted anew when the node
 * becomes the leader.
 */

import type { Timer } from '../../runtime/actor.js';
import type { Timekeeper } from '../../runtime/timekeeper.js';
import type { SessionSighting } from './coordination.js';
import { ExpiryWatch } from './expiry-watch.js';

export interface SessionKeeperOptions {
  readonly timekeeper: Timekeeper;
  /** All sessions, as this node sees them. */
  readonly sightings: () => Promise<readonly SessionSighting[]>;
  readonly expire: (session: number, renewals: number) => Promise<unknown>;
}

/** A coordination in memory leads in the same term again, while a look of before may still be under way. */
interface Reign {
  readonly term: number;
}

/** How often it looks: so many times within the shortest TTL. A session may end this part of its TTL late. */
const LOOKS_PER_TTL = 10;
const LOOK_EVERY_MS_MIN = 10;
const LOOK_EVERY_MS_MAX = 250;

export class SessionKeeper {
  readonly #options: SessionKeeperOptions;
  readonly #watch = new ExpiryWatch();
  /** Since when the node leads, as something that is never the same again; null: it does not. */
  #reign: Reign | null = null;
  #timer: Timer | null = null;
  #isEnded = false;

  constructor(options: SessionKeeperOptions) {
    this.#options = options;
  }

  /** The node leads in this term, or (null) does not lead. */
  leads(term: number | null): void {
    if (this.#isEnded || term === (this.#reign?.term ?? null)) return;
    this.#reign = term === null ? null : { term };
    this.#timer?.cancel();
    this.#timer = null;
    this.#watch.reset();
    if (this.#reign !== null) void this.#look(this.#reign);
  }

  /** It looks no more, whatever it is told afterwards: a node that stops may hear once more that it leads. */
  end(): void {
    this.leads(null);
    this.#isEnded = true;
  }

  /** Never rejects. */
  async #look(reign: Reign): Promise<void> {
    const { timekeeper, sightings, expire } = this.#options;
    let nextMs = LOOK_EVERY_MS_MAX;
    try {
      const sessions = await sightings();
      if (this.#reign !== reign) return;
      for (const [, , ttlMs] of sessions) nextMs = Math.min(nextMs, ttlMs / LOOKS_PER_TTL);
      const overdue = this.#watch.look(sessions, timekeeper.clock.nowMs());
      await Promise.all(overdue.map(([session, renewals]) => expire(session, renewals)));
    } catch {
      // There is no quorum, or the objects are being brought back: it looks again, and nobody holds for longer by
      // mistake.
    }
    if (this.#reign !== reign) return;
    this.#timer = timekeeper.after(Math.max(LOOK_EVERY_MS_MIN, nextMs), () => void this.#look(reign));
  }
}

/**
 * Ends the sessions of nodes whose process is gone, without waiting for their TTL. Runs beside the handle, on the
 * caller's thread, and works only while its node leads and has no connection to a member. That a connection is lost
 * proves nothing: it asks the machine, which refuses connections only where nobody listens, and a node listens for as
 * long as it may believe in a session.
 */

import type { Timer } from '../../runtime/actor.js';
import type { Timekeeper } from '../../runtime/timekeeper.js';

export interface DeathWatchOptions {
  readonly timekeeper: Timekeeper;
  /** The sessions that a node has opened, as this node sees them. */
  readonly sessionsOf: (node: string) => Promise<readonly number[]>;
  /** Does the machine of a node say that nobody listens on its address? False: it does not say so. */
  readonly isRefusing: (node: string) => Promise<boolean>;
  readonly close: (session: number) => Promise<unknown>;
}

interface Watched {
  isOver: boolean;
  timer: Timer | null;
}

/**
 * A process may close its connections before it stops to listen, and what it has opened may not have been applied here
 * yet.
 */
const LOOK_AGAIN_MS_MIN = 10;
const LOOK_AGAIN_MS_MAX = 250;

export class DeathWatch {
  readonly #options: DeathWatchOptions;
  /** By node. */
  readonly #watched = new Map<string, Watched>();
  #isEnded = false;

  constructor(options: DeathWatchOptions) {
    this.#options = options;
  }

  /** The members that this node has no connection to, while it leads; none while it does not. */
  watch(unreached: readonly string[]): void {
    if (this.#isEnded) return;
    for (const [node, watched] of this.#watched) {
      if (unreached.includes(node)) continue;
      watched.isOver = true;
      watched.timer?.cancel();
      this.#watched.delete(node);
    }
    for (const node of unreached) {
      if (this.#watched.has(node)) continue;
      const watched = { isOver: false, timer: null };
      this.#watched.set(node, watched);
      void this.#look(node, watched, LOOK_AGAIN_MS_MIN);
    }
  }

  /** It looks no more, whatever it is told afterwards. */
  end(): void {
    this.watch([]);
    this.#isEnded = true;
  }

  /** Never rejects. */
  async #look(node: string, watched: Watched, againMs: number): Promise<void> {
    const { timekeeper, sessionsOf, isRefusing, close } = this.#options;
    try {
      // First: what is opened after the refusal is another process's, which may have begun to listen by then.
      const sessions = await sessionsOf(node);
      if (!watched.isOver && sessions.length > 0 && (await isRefusing(node))) await Promise.all(sessions.map(close));
    } catch {
      // There is no quorum, or the objects are being brought back: it looks again, and their TTL ends sessions all the
      // same.
    }
    if (watched.isOver) return;
    const nextMs = Math.min(2 * againMs, LOOK_AGAIN_MS_MAX);
    watched.timer = timekeeper.after(againMs, () => void this.#look(node, watched, nextMs));
  }
}

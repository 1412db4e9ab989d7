/**
 * Whether somebody far away answers, as far as was heard lately: asks again and again, so that this is known also while
 * nobody else has anything to ask. On the caller's thread.
 */

import type { Timer } from '../runtime/actor.js';
import type { Timekeeper } from '../runtime/timekeeper.js';

/** From an answer, or none, to the next question. */
const PAUSE_MS = 4_000;
/** Who has not answered for so long is not believed to answer. One question may be lost. */
const FELT_MS = 12_000;

export class Pulse {
  readonly #ask: () => Promise<void>;
  readonly #timekeeper: Timekeeper;
  /** When it was asked what it has answered last. */
  #answeredMs = -Infinity;
  #pause: Timer | null = null;
  #isStopped = false;

  /** @param ask resolves when it answers; settles within a few seconds */
  constructor(ask: () => Promise<void>, timekeeper: Timekeeper) {
    this.#ask = ask;
    this.#timekeeper = timekeeper;
    void this.#feel();
  }

  get isFelt(): boolean {
    return this.#timekeeper.clock.nowMs() - this.#answeredMs < FELT_MS;
  }

  stop(): void {
    this.#isStopped = true;
    this.#pause?.cancel();
  }

  async #feel(): Promise<void> {
    const askedMs = this.#timekeeper.clock.nowMs();
    try {
      await this.#ask();
      this.#answeredMs = askedMs;
    } catch {
      // What was heard before counts for as long as it does.
    }
    if (!this.#isStopped) this.#pause = this.#timekeeper.after(PAUSE_MS, () => void this.#feel());
  }
}

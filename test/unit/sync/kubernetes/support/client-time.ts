/**
 * The clocks of one client, made of a time that a test owns: they may run at another speed, show another date, and its
 * process may be frozen (its clocks go on) or its machine suspended (its monotonic clock stands still).
 */

import type { Timer } from '../../../../../src/runtime/actor.js';
import type { Clock } from '../../../../../src/runtime/clock.js';
import type { Timekeeper } from '../../../../../src/runtime/timekeeper.js';

export class ClientTime implements Timekeeper {
  readonly clock: Clock;
  readonly #base: Timekeeper;
  readonly #speed: number;
  /** What the monotonic clock has missed. */
  #missedMs = 0;
  #suspendedAtMs: number | null = null;
  /** Null: it runs. */
  #waiting: (() => void)[] | null = null;

  constructor(base: Timekeeper, { speed = 1, wallOffsetMs = 0 }: { speed?: number; wallOffsetMs?: number } = {}) {
    this.#base = base;
    this.#speed = speed;
    this.clock = {
      nowMs: () => (this.#suspendedAtMs ?? base.clock.nowMs()) * speed - this.#missedMs,
      wallMs: () => base.clock.wallMs() + wallOffsetMs,
    };
  }

  get isFrozen(): boolean {
    return this.#waiting !== null;
  }

  after(delayMs: number, run: () => void): Timer {
    let isCancelled = false;
    const timer = this.#base.after(delayMs / this.#speed, () => {
      if (!isCancelled) this.whenAwake(() => isCancelled || run());
    });
    return {
      cancel: () => {
        isCancelled = true;
        timer.cancel();
      },
    };
  }

  /** Nothing happens in it until it is woken. */
  freeze(): void {
    this.#waiting ??= [];
  }

  suspend(): void {
    this.freeze();
    this.#suspendedAtMs ??= this.#base.clock.nowMs();
  }

  /** It goes on, with all that has come to it meanwhile. */
  wake(): void {
    if (this.#suspendedAtMs !== null) {
      this.#missedMs += (this.#base.clock.nowMs() - this.#suspendedAtMs) * this.#speed;
      this.#suspendedAtMs = null;
    }
    const waiting = this.#waiting ?? [];
    this.#waiting = null;
    for (const run of waiting) run();
  }

  whenAwake(run: () => void): void {
    if (this.#waiting === null) run();
    else this.#waiting.push(run);
  }
}

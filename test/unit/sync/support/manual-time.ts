/** Time that a test owns: both clocks of a machine, and timers that go by the monotonic one. */

import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Timer } from '../../../../src/runtime/actor.js';
import type { Clock } from '../../../../src/runtime/clock.js';
import type { Timekeeper } from '../../../../src/runtime/timekeeper.js';
import { TimerQueue } from '../../../../src/runtime/timer-queue.js';

export class ManualTime implements Timekeeper {
  readonly clock: Clock = { nowMs: () => this.#nowMs, wallMs: () => this.#wallMs };
  readonly #timers = new TimerQueue();
  #nowMs: number;
  #wallMs = 1_700_000_000_000;

  constructor(nowMs = 5_000) {
    this.#nowMs = nowMs;
  }

  after(delayMs: number, run: () => void): Timer {
    return this.#timers.add(this.#nowMs + delayMs, run);
  }

  /** Is nothing due any more? */
  get isIdle(): boolean {
    return this.#timers.nextDueMs === Infinity;
  }

  /** Lets time pass, and everything happen that is due in it. */
  async pass(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms;
    await settled();
    while (this.#timers.nextDueMs <= untilMs) {
      this.#move(this.#timers.nextDueMs - this.#nowMs);
      this.#timers.takeDue(this.#nowMs)!();
      await settled();
    }
    this.#move(untilMs - this.#nowMs);
  }

  /** Time passes, and the process does not run: no timer fires. */
  stall(ms: number): void {
    this.#move(ms);
  }

  /** The machine is suspended: the monotonic clock stands still. */
  suspend(ms: number): void {
    this.#wallMs += ms;
  }

  #move(ms: number): void {
    this.#nowMs += Math.max(0, ms);
    this.#wallMs += Math.max(0, ms);
  }
}

/** Once promises have gone on as far as they can by themselves. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await nextTurn();
}

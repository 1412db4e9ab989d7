/**
 * Gives actors their turns in virtual time and in an order drawn from a seed, across all the systems that share it: one
 * seed replays one history exactly. Time stands still while anything is ready and then jumps to the next timer, so a
 * simulated hour takes as long as its work. Runs wherever a test calls it; reads no clock of the machine.
 */

import { assert } from '../assert.js';
import { ConclaveError } from '../errors.js';
import type { Timer } from './actor.js';
import type { Clock } from './clock.js';
import { randomBelow, SeededRandom } from './random.js';
import type { Scheduler, Task } from './scheduler.js';
import { TimerQueue } from './timer-queue.js';

/** Batches are drawn from 1 to this, so that every border between batches is met. */
const BATCH_MAX = 16;
/** Actors that keep each other busy this long without time passing would do so for ever. */
const STEPS_PER_INSTANT_MAX = 1_000_000;
/** After so many instants the event loop gets its turn, for those who share it. Nothing simulated waits for that. */
const INSTANTS_BEFORE_YIELD = 4_096;
/** The calendar at the virtual beginning: 2001-09-09T01:46:40Z. */
const EPOCH_MS = 1_000_000_000_000;

export class SimulationScheduler implements Scheduler, Clock {
  readonly seed: number;
  readonly #random: SeededRandom;
  readonly #ready: Task[] = [];
  readonly #timers = new TimerQueue();
  #nowMs = 0;
  #stepsInInstant = 0;
  #drains = 0;

  constructor(seed: number) {
    this.seed = seed;
    this.#random = new SeededRandom(seed);
  }

  nowMs(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return EPOCH_MS + Math.floor(this.#nowMs);
  }

  schedule(task: Task): void {
    this.#ready.push(task);
  }

  scheduleLast(task: Task): void {
    this.#ready.push(task);
  }

  onEvent<Value>(handle: (value: Value) => void, value: Value): void {
    handle(value);
  }

  after(delayMs: number, run: () => void): Timer {
    return this.#timers.add(this.#nowMs + delayMs, run);
  }

  /** The same by virtual time: what is due at one time comes in the order of these calls. */
  at(dueMs: number, run: () => void): Timer {
    return this.#timers.add(dueMs, run);
  }

  /** Gives one turn, or else moves time to the next timer and fires it. Returns false when there is neither. */
  step(): boolean {
    return this.#step(Infinity);
  }

  /**
   * Lets `durationMs` of virtual time pass. Promises that actors settle get their continuations before time moves on.
   */
  async runFor(durationMs: number): Promise<void> {
    const untilMs = this.#nowMs + durationMs;
    await this.#run(untilMs, () => false);
    this.#moveTo(untilMs);
  }

  /**
   * Runs until `condition` holds, which is checked after each step.
   *
   * @throws ConclaveError `ERR_TIMEOUT` when it does not within `timeoutMs` of virtual time; the message has the seed.
   */
  async runUntil(condition: () => boolean, timeoutMs: number): Promise<void> {
    const untilMs = this.#nowMs + timeoutMs;
    if (await this.#run(untilMs, condition)) return;
    this.#moveTo(untilMs);
    throw new ConclaveError(
      'ERR_TIMEOUT',
      `The condition was not met within ${timeoutMs} ms of virtual time (seed ${this.seed}).`,
      { data: { timeoutMs, seed: this.seed } },
    );
  }

  async #run(untilMs: number, condition: () => boolean): Promise<boolean> {
    for (;;) {
      if (condition()) return true;
      if (this.#ready.length === 0) {
        if (++this.#drains % INSTANTS_BEFORE_YIELD === 0) await new Promise((resolve) => void setImmediate(resolve));
        // Every promise that is settled has called its continuations, and theirs, when the first one is; and what those
        // have given to `nextTick`, as callers do, has run with its own when the second one is.
        await nextTick();
        await nextTick();
        if (condition()) return true;
      }
      if (!this.#step(untilMs)) return false;
    }
  }

  #step(untilMs: number): boolean {
    const { length } = this.#ready;
    if (length > 0) {
      assert(++this.#stepsInInstant <= STEPS_PER_INSTANT_MAX, `simulated actors come to rest (seed ${this.seed})`);
      const chosen = randomBelow(this.#random, length);
      const task = this.#ready[chosen]!;
      this.#ready[chosen] = this.#ready[length - 1]!;
      this.#ready.pop();
      task.run(1 + randomBelow(this.#random, BATCH_MAX));
      return true;
    }
    const dueMs = this.#timers.nextDueMs;
    if (dueMs === Infinity || dueMs > untilMs) return false;
    this.#moveTo(dueMs);
    this.#timers.takeDue(dueMs)!();
    return true;
  }

  #moveTo(nowMs: number): void {
    if (nowMs <= this.#nowMs) return;
    this.#nowMs = nowMs;
    this.#stepsInInstant = 0;
  }
}

/** What is given to `nextTick` runs once no promise has a continuation to call any more. */
function nextTick(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve));
}

/**
 * Gives actors their turns only while the caller calls `tick()`: an inline runtime inside a program that owns its own
 * loop. Nothing runs and nothing keeps the process alive between two ticks, except while it has been told to tick
 * itself.
 */

import type { Timer } from './actor.js';
import { systemClock, type Clock } from './clock.js';
import type { Scheduler, Task } from './scheduler.js';
import { TaskQueue } from './task-queue.js';
import { TimerQueue } from './timer-queue.js';

/** How many messages an actor handles before the next actor's turn: between two turns the time is looked at. */
const BATCH_MAX = 64;
/** How long a tick of its own takes at most, and how long it waits for the next one when there is nothing to do. */
const OWN_TICK_MS = 5;
const OWN_PAUSE_MS = 1;

export class ManualScheduler implements Scheduler {
  readonly #clock: Clock;
  readonly #queue = new TaskQueue();
  readonly #timers = new TimerQueue();
  #isTicking = false;
  /** The next tick of its own; undefined while it is for the caller to tick. */
  #ownTick: NodeJS.Timeout | undefined;

  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
  }

  schedule(task: Task): void {
    this.#queue.add(task);
  }

  scheduleLast(task: Task): void {
    this.#queue.addLast(task);
  }

  onEvent<Value>(handle: (value: Value) => void, value: Value): void {
    handle(value);
  }

  after(delayMs: number, run: () => void): Timer {
    return this.#timers.add(this.#clock.nowMs() + delayMs, run);
  }

  /**
   * Fires the timers that are due and gives turns until every actor is idle, or `budgetMs` have passed; one turn may
   * exceed them, and there is always one. Returns whether turns were left over for the next tick. From within a turn it
   * does nothing, and returns true.
   */
  tick(budgetMs: number): boolean {
    if (this.#isTicking) return true;
    this.#isTicking = true;
    try {
      const nowMs = this.#clock.nowMs();
      for (let run = this.#timers.takeDue(nowMs); run !== undefined; run = this.#timers.takeDue(nowMs)) run();
      this.#giveTurns(nowMs + budgetMs);
      this.#queue.runLast(BATCH_MAX);
      return !this.#queue.isEmpty;
    } finally {
      this.#isTicking = false;
    }
  }

  /** Ticks by itself until {@link hold}, and keeps the process alive meanwhile. */
  release(): void {
    this.#ownTick ??= setTimeout(this.#tickItself, 0);
  }

  /** Leaves it to the caller to tick. */
  hold(): void {
    clearTimeout(this.#ownTick);
    this.#ownTick = undefined;
  }

  #giveTurns(untilMs: number): void {
    do {
      const task = this.#queue.take();
      if (task === undefined) return;
      task.run(BATCH_MAX);
    } while (this.#clock.nowMs() < untilMs);
  }

  readonly #tickItself = (): void => {
    // Before the turns, in one of which it may be held.
    this.#ownTick = setTimeout(this.#tickItself, OWN_PAUSE_MS);
    this.tick(OWN_TICK_MS);
  };
}

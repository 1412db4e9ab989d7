/**
 * Gives actors their turns only while the caller calls `tick()`: an inline runtime inside a program that owns its own
 * loop. Nothing runs and nothing keeps the process alive between two ticks.
 */

import type { Timer } from './actor.js';
import { systemClock, type Clock } from './clock.js';
import type { Scheduler, Task } from './scheduler.js';
import { TaskQueue } from './task-queue.js';
import { TimerQueue } from './timer-queue.js';

/** How many messages an actor handles before the next actor's turn. */
const BATCH_MAX = 256;
/** A tick ends after so many turns even if actors keep each other busy; the next tick goes on from there. */
const TURNS_PER_TICK_MAX = 1_000;

export class ManualScheduler implements Scheduler {
  readonly #clock: Clock;
  readonly #queue = new TaskQueue();
  readonly #timers = new TimerQueue();

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
   * Fires the timers that are due and gives turns until every actor is idle, at most 1,000 turns. Returns whether
   * there was anything to do. Not to be called from within an actor.
   */
  tick(): boolean {
    let hasWorked = false;
    const nowMs = this.#clock.nowMs();
    for (let run = this.#timers.takeDue(nowMs); run !== undefined; run = this.#timers.takeDue(nowMs)) {
      run();
      hasWorked = true;
    }
    for (let turns = 0; turns < TURNS_PER_TICK_MAX; turns++) {
      const task = this.#queue.take();
      if (task === undefined) break;
      task.run(BATCH_MAX);
      hasWorked = true;
    }
    if (!this.#queue.isEmpty) hasWorked = true;
    this.#queue.runLast(BATCH_MAX);
    return hasWorked;
  }
}

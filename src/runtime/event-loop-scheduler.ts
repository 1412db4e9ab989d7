/**
 * Gives actors their turns on the event loop of the thread it was made on: a worker's, or the caller's own when the
 * runtime is inline. Whatever is gathered in one turn of the program is handled together right after it, and no
 * sequence of turns keeps the thread from its I/O for long. Keeps the process alive only while a timer or a task waits.
 */

import type { Timer } from './actor.js';
import { systemClock, TIMEOUT_MS_MAX, type Clock } from './clock.js';
import type { Scheduler, Task } from './scheduler.js';
import { TaskQueue } from './task-queue.js';
import { TimerQueue } from './timer-queue.js';

/** How many messages an actor handles before the next actor's turn. */
const BATCH_MAX = 256;
/** For how long actors run before the thread looks after its I/O; one turn may exceed it. */
const SLICE_MS = 1;
/** A program that answers each drain by another (a loop of `await ref.ask()`) yields to I/O once in so many. */
const DRAINS_BEFORE_YIELD = 64;

export class EventLoopScheduler implements Scheduler {
  readonly #clock: Clock;
  readonly #queue = new TaskQueue();
  readonly #timers = new TimerQueue(() => this.#armAlarm());
  /** Is a drain on its way, or running? */
  #isArmed = false;
  #drains = 0;
  /** One native timeout for the timer that is due next. May be early for it, never late. */
  #alarm: NodeJS.Timeout | undefined;
  /** When the alarm goes off. Invariant: at most the next timer's time, while there is an alarm and a timer. */
  #alarmMs = Infinity;
  /** An alarm that no timer needs any more is left to go off, but does not keep the process alive. */
  #isAlarmRef = false;

  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
  }

  schedule(task: Task): void {
    this.#queue.add(task);
    if (!this.#isArmed) this.#armDrain();
  }

  scheduleLast(task: Task): void {
    this.#queue.addLast(task);
    if (!this.#isArmed) this.#armDrain();
  }

  onEvent<Value>(handle: (value: Value) => void, value: Value): void {
    const mustDrain = !this.#isArmed;
    this.#isArmed = true;
    try {
      handle(value);
    } finally {
      if (mustDrain) this.#drain();
    }
  }

  after(delayMs: number, run: () => void): Timer {
    const timer = this.#timers.add(this.#clock.nowMs() + delayMs, run);
    this.#armAlarm();
    return timer;
  }

  #armDrain(): void {
    this.#isArmed = true;
    if (++this.#drains % DRAINS_BEFORE_YIELD === 0) setImmediate(this.#drain);
    else process.nextTick(this.#drain);
  }

  readonly #drain = (): void => {
    try {
      this.#runSlice();
      this.#queue.runLast(BATCH_MAX);
    } finally {
      if (this.#queue.isEmpty) this.#isArmed = false;
      else setImmediate(this.#drain);
    }
  };

  #runSlice(): void {
    this.#queue.take()?.run(BATCH_MAX);
    let task = this.#queue.take();
    // Most slices are of one task: only for more is the clock read.
    if (task === undefined) return;
    const untilMs = this.#clock.nowMs() + SLICE_MS;
    while (task !== undefined) {
      task.run(BATCH_MAX);
      task = this.#clock.nowMs() < untilMs ? this.#queue.take() : undefined;
    }
  }

  #armAlarm(): void {
    const dueMs = this.#timers.nextDueMs;
    if (dueMs === Infinity) {
      if (this.#isAlarmRef) this.#alarm?.unref();
      this.#isAlarmRef = false;
    } else if (this.#alarm !== undefined && this.#alarmMs <= dueMs) {
      if (!this.#isAlarmRef) this.#alarm.ref();
      this.#isAlarmRef = true;
    } else {
      clearTimeout(this.#alarm);
      // A timer that is due later than a timeout can be is armed in stages.
      const delayMs = Math.min(Math.max(Math.ceil(dueMs - this.#clock.nowMs()), 1), TIMEOUT_MS_MAX);
      this.#alarm = setTimeout(this.#onAlarm, delayMs);
      this.#alarmMs = dueMs;
      this.#isAlarmRef = true;
    }
  }

  readonly #onAlarm = (): void => {
    this.#alarm = undefined;
    this.#isAlarmRef = false;
    const nowMs = this.#clock.nowMs();
    try {
      for (let run = this.#timers.takeDue(nowMs); run !== undefined; run = this.#timers.takeDue(nowMs)) run();
    } finally {
      // Node may fire up to 1 ms early: what is not yet due is armed again.
      this.#armAlarm();
    }
  };
}

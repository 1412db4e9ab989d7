/**
 * The tasks that wait for a turn, first come, first served, and behind them those that want to be last. Used by every
 * scheduler that has no reason to choose; decides nothing itself.
 */

import type { Task } from './scheduler.js';

/** Power of two. */
const INITIAL_CAPACITY = 16;

export class TaskQueue {
  readonly #tasks = new TaskRing();
  readonly #last = new TaskRing();

  get isEmpty(): boolean {
    return this.#tasks.length === 0 && this.#last.length === 0;
  }

  add(task: Task): void {
    this.#tasks.push(task);
  }

  addLast(task: Task): void {
    this.#last.push(task);
  }

  /** Takes the next task, save those that want to be last. */
  take(): Task | undefined {
    return this.#tasks.shift();
  }

  /** Gives those that want to be last by now their turn, whether or not others still wait. */
  runLast(batchMax: number): void {
    for (let left = this.#last.length; left > 0; left--) this.#last.shift()!.run(batchMax);
  }
}

/** A queue that doubles when it is full and allocates nothing otherwise. */
class TaskRing {
  #slots: (Task | undefined)[] = new Array<Task | undefined>(INITIAL_CAPACITY);
  /** Where the oldest task is. Invariant: 0 <= head < slots.length, which is a power of two. */
  #head = 0;
  length = 0;

  push(task: Task): void {
    if (this.length === this.#slots.length) {
      this.#slots = [
        ...this.#slots.slice(this.#head),
        ...this.#slots.slice(0, this.#head),
        ...this.#slots.map(() => undefined),
      ];
      this.#head = 0;
    }
    this.#slots[(this.#head + this.length++) & (this.#slots.length - 1)] = task;
  }

  shift(): Task | undefined {
    if (this.length === 0) return undefined;
    const task = this.#slots[this.#head];
    this.#slots[this.#head] = undefined;
    this.#head = (this.#head + 1) & (this.#slots.length - 1);
    this.length--;
    return task;
  }
}

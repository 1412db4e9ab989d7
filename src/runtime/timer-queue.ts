/**
 * Timers in order of the time they are due, those of equal time in order of creation: a binary heap from which any
 * timer can be removed. It has no clock and fires nothing; schedulers ask it what is due.
 */

import type { Timer } from './actor.js';

export class TimerQueue {
  readonly #heap: QueuedTimer[] = [];
  readonly #onCancel: () => void;
  #sequence = 0;

  /** `onCancel` is called after a timer has been cancelled. */
  constructor(onCancel: () => void = () => {}) {
    this.#onCancel = onCancel;
  }

  /** When the next timer is due; Infinity when there is none. */
  get nextDueMs(): number {
    return this.#heap[0]?.dueMs ?? Infinity;
  }

  add(dueMs: number, run: () => void): Timer {
    const timer = new QueuedTimer(this, dueMs, this.#sequence++, run);
    timer.index = this.#heap.length;
    this.#heap.push(timer);
    this.#up(timer);
    return timer;
  }

  /** Takes the next timer that is due by `nowMs`, and returns what it is to run. */
  takeDue(nowMs: number): (() => void) | undefined {
    const next = this.#heap[0];
    if (next === undefined || next.dueMs > nowMs) return undefined;
    this.#remove(next);
    return next.run;
  }

  /** Takes out a timer of this queue, if it is still in. */
  cancel(timer: QueuedTimer): void {
    if (timer.index < 0) return;
    this.#remove(timer);
    this.#onCancel();
  }

  #remove(timer: QueuedTimer): void {
    const last = this.#heap.pop()!;
    if (last !== timer) {
      last.index = timer.index;
      this.#up(last);
      this.#down(last);
    }
    timer.index = -1;
  }

  /** Moves those out of the way that are to come later, and takes their place. */
  #up(timer: QueuedTimer): void {
    let { index } = timer;
    while (index > 0) {
      const parentIndex = (index - 1) >> 1;
      const parent = this.#heap[parentIndex]!;
      if (!isBefore(timer, parent)) break;
      this.#place(parent, index);
      index = parentIndex;
    }
    this.#place(timer, index);
  }

  /** Moves those up that are to come earlier, and takes their place. */
  #down(timer: QueuedTimer): void {
    const { length } = this.#heap;
    let { index } = timer;
    for (let childIndex = 2 * index + 1; childIndex < length; childIndex = 2 * index + 1) {
      let child = this.#heap[childIndex]!;
      if (childIndex + 1 < length) {
        const right = this.#heap[childIndex + 1]!;
        if (isBefore(right, child)) {
          child = right;
          childIndex += 1;
        }
      }
      if (!isBefore(child, timer)) break;
      this.#place(child, index);
      index = childIndex;
    }
    this.#place(timer, index);
  }

  #place(timer: QueuedTimer, index: number): void {
    this.#heap[index] = timer;
    timer.index = index;
  }
}

class QueuedTimer implements Timer {
  readonly dueMs: number;
  readonly sequence: number;
  readonly run: () => void;
  /** Position in the heap, -1 once it is out. */
  index = -1;
  readonly #queue: TimerQueue;

  constructor(queue: TimerQueue, dueMs: number, sequence: number, run: () => void) {
    this.#queue = queue;
    this.dueMs = dueMs;
    this.sequence = sequence;
    this.run = run;
  }

  cancel(): void {
    this.#queue.cancel(this);
  }
}

function isBefore(a: QueuedTimer, b: QueuedTimer): boolean {
  return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.sequence < b.sequence);
}

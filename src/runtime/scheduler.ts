/**
 * The port through which actors get their turns and their time. One scheduler serves every actor system of a thread;
 * which one it is (the thread's event loop, the caller's ticks, a simulation) is what makes a host.
 */

import type { Timer } from './actor.js';

/** Something that takes turns: an actor with messages waiting, or a link with messages to post. */
export interface Task {
  /** Takes one turn, in which it handles at most `batchMax` messages. */
  run(batchMax: number): void;
}

export interface Scheduler {
  /** Gives `task` one turn, soon, and never before this call has returned. Not to be called again before that turn. */
  schedule(task: Task): void;
  /** The same, once nothing that was scheduled by {@link schedule} is left, or the thread must see to its I/O. */
  scheduleLast(task: Task): void;
  /**
   * Calls `handle(value)` for something that has come from outside, such as a post from another thread. A host that
   * runs by itself gives what this schedules its turns before the call returns: a message that passes several threads
   * should lose no time on any.
   */
  onEvent<Value>(handle: (value: Value) => void, value: Value): void;
  /**
   * Calls `run` once, not before `delayMs` have passed, in order of the times asked for. `run` must not ask for a time
   * that has come already.
   */
  after(delayMs: number, run: () => void): Timer;
}

/**
 * Time and turns as the actors of one simulated process have them: a clock that runs fast or slow, and all of it stands
 * still while the process is frozen. What comes meanwhile waits, and is there when the process goes on. While it is
 * suspended its clock stands still, too, and only the calendar goes on.
 */

import type { Timer } from '../../runtime/actor.js';
import type { Clock } from '../../runtime/clock.js';
import type { Scheduler, Task } from '../../runtime/scheduler.js';
import type { SimulationScheduler } from '../../runtime/simulation-scheduler.js';

/** How the clocks of a process differ from virtual time. */
export interface ClockError {
  /** How much of its time passes in one millisecond of virtual time. */
  readonly rate: number;
  readonly offsetMs: number;
  /** Of the calendar, which somebody may keep right while the other clock is not. */
  readonly wallRate: number;
  readonly wallOffsetMs: number;
}

export const RIGHT_CLOCK: ClockError = { rate: 1, offsetMs: 0, wallRate: 1, wallOffsetMs: 0 };

export class SimulatedProcess implements Scheduler, Clock {
  readonly #simulation: SimulationScheduler;
  readonly #clock: ClockError;
  /** What has come while the process is frozen, in its order; null: it is not. */
  #held: (() => void)[] | null = null;
  #frozenMs = 0;
  #frozenSinceMs = 0;
  /** How much of virtual time it was suspended. */
  #suspendedMs = 0;
  #isSuspended = false;
  #hasBeenSuspended = false;
  /** How far the calendar was set forward, less how far it was set back. */
  #calendarMs = 0;
  #calendarJumps = 0;

  constructor(simulation: SimulationScheduler, clock: ClockError = RIGHT_CLOCK) {
    this.#simulation = simulation;
    this.#clock = clock;
  }

  get isFrozen(): boolean {
    return this.#held !== null;
  }

  /** How much of virtual time it was not frozen, less what that was at another time. */
  get awakeMs(): number {
    const nowMs = this.#simulation.nowMs();
    return nowMs - this.#frozenMs - (this.isFrozen ? nowMs - this.#frozenSinceMs : 0);
  }

  nowMs(): number {
    const untilMs = this.#isSuspended ? this.#frozenSinceMs : this.#simulation.nowMs();
    return this.#clock.offsetMs + this.#clock.rate * (untilMs - this.#suspendedMs);
  }

  wallMs(): number {
    const { wallRate, wallOffsetMs } = this.#clock;
    const aheadMs = Math.floor((wallRate - 1) * this.#simulation.nowMs());
    return this.#simulation.wallMs() + wallOffsetMs + this.#calendarMs + aheadMs;
  }

  /** Somebody, or something, sets the machine's clock: its calendar jumps, and nothing else does. */
  setCalendar(byMs: number): void {
    this.#calendarMs += byMs;
    this.#calendarJumps += 1;
  }

  /** How often that was done. */
  get calendarJumps(): number {
    return this.#calendarJumps;
  }

  schedule(task: Task): void {
    if (this.#held === null) this.#simulation.schedule(new Turn(this, task));
    else this.#held.push(() => this.#simulation.schedule(new Turn(this, task)));
  }

  scheduleLast(task: Task): void {
    this.schedule(task);
  }

  onEvent<Value>(handle: (value: Value) => void, value: Value): void {
    handle(value);
  }

  after(delayMs: number, run: () => void): Timer {
    return new HeldTimer(this, delayMs, run);
  }

  /** Does something when so much has passed on the clock of this process, unless that stands still meanwhile. */
  afterAtLeast(delayMs: number, act: () => void): Timer {
    return this.#simulation.after(delayMs / this.#clock.rate, act);
  }

  /** Does something as soon as the process is not frozen: at once, or when it goes on. */
  whenAwake(act: () => void): void {
    if (this.#held === null) act();
    else this.#held.push(act);
  }

  freeze(): void {
    if (this.isFrozen) return;
    this.#held = [];
    this.#frozenSinceMs = this.#simulation.nowMs();
  }

  /** The same, by a machine that is suspended: its clock does not go on. */
  suspend(): void {
    if (this.isFrozen) return;
    this.freeze();
    this.#isSuspended = true;
    this.#hasBeenSuspended = true;
  }

  /** Was it ever? */
  get hasBeenSuspended(): boolean {
    return this.#hasBeenSuspended;
  }

  thaw(): void {
    const held = this.#held ?? [];
    const standstillMs = this.isFrozen ? this.#simulation.nowMs() - this.#frozenSinceMs : 0;
    this.#frozenMs += standstillMs;
    if (this.#isSuspended) this.#suspendedMs += standstillMs;
    this.#isSuspended = false;
    this.#held = null;
    for (const act of held) act();
  }
}

/** A turn that was scheduled before the process was frozen comes when it goes on. */
class Turn implements Task {
  readonly #process: SimulatedProcess;
  readonly #task: Task;

  constructor(process: SimulatedProcess, task: Task) {
    this.#process = process;
    this.#task = task;
  }

  run(batchMax: number): void {
    if (this.#process.isFrozen) this.#process.schedule(this.#task);
    else this.#task.run(batchMax);
  }
}

/** Times that are computed in two ways differ by no more. */
const ROUNDED_MS = 0.001;

/**
 * A timer that does nothing once it is cancelled, even if its time has come while its process was frozen; and that goes
 * by the clock of its process, which may have stood still.
 */
class HeldTimer implements Timer {
  readonly #process: SimulatedProcess;
  readonly #dueMs: number;
  readonly #run: () => void;
  #inner: Timer;
  #isCancelled = false;

  constructor(process: SimulatedProcess, delayMs: number, run: () => void) {
    this.#process = process;
    this.#dueMs = process.nowMs() + delayMs;
    this.#run = run;
    this.#inner = process.afterAtLeast(delayMs, this.#fire);
  }

  cancel(): void {
    this.#isCancelled = true;
    this.#inner.cancel();
  }

  readonly #fire = (): void => {
    const process = this.#process;
    if (process.isFrozen) return process.whenAwake(this.#fire);
    if (this.#isCancelled) return;
    const restMs = this.#dueMs - process.nowMs();
    if (restMs > ROUNDED_MS) this.#inner = process.afterAtLeast(restMs, this.#fire);
    else this.#run();
  };
}

/**
 * The timers of an actor. What is due becomes a message in the actor's mailbox; a timer that was cancelled is not
 * delivered even if its message waits there already.
 */

import type { ConclaveError } from '../errors.js';
import type { Timer } from './actor.js';
import type { Clock } from './clock.js';
import { SKIPPED, type Delivery } from './delivery.js';
import type { Scheduler } from './scheduler.js';

/** What a timer needs from the life of the actor that it belongs to. */
export interface TimerOwner {
  readonly scheduler: Scheduler;
  readonly clock: Clock;
  deliver(content: unknown, delivery: Delivery): void;
  /** The timer has been delivered or cancelled, and will not fire again. */
  forget(timer: ActorTimer): void;
}

export class ActorTimer implements Timer, Delivery {
  readonly isAwaited = false;
  readonly #owner: TimerOwner;
  readonly #message: unknown;
  /** Undefined for a timer that fires once. */
  readonly #periodMs: number | undefined;
  #dueMs: number;
  #timer: Timer;
  #isCancelled = false;
  /** A tick waits in the mailbox: the next one is skipped. */
  #isUndelivered = false;

  constructor(owner: TimerOwner, message: unknown, delayMs: number, periodMs: number | undefined) {
    this.#owner = owner;
    this.#message = message;
    this.#periodMs = periodMs;
    this.#dueMs = owner.clock.nowMs() + delayMs;
    this.#timer = owner.scheduler.after(delayMs, this.#fire);
  }

  cancel(): void {
    this.#isCancelled = true;
    this.#timer.cancel();
    this.#owner.forget(this);
  }

  open(content: unknown): unknown {
    this.#isUndelivered = false;
    if (this.#isCancelled) return SKIPPED;
    if (this.#periodMs === undefined) this.#owner.forget(this);
    return content;
  }

  ok(): void {}
  fail(): void {}
  discard(_why: () => ConclaveError): void {}
  keepIn(_owed: Set<Delivery>): void {}

  readonly #fire = (): void => {
    if (!this.#isUndelivered) {
      this.#isUndelivered = true;
      this.#owner.deliver(this.#message, this);
    }
    if (this.#periodMs === undefined) return;
    // Periods are counted from the beginning, so that lateness does not add up; those that have passed are left out.
    const nowMs = this.#owner.clock.nowMs();
    const passed = Math.max(1, Math.floor((nowMs - this.#dueMs) / this.#periodMs) + 1);
    this.#dueMs += passed * this.#periodMs;
    this.#timer = this.#owner.scheduler.after(this.#dueMs - nowMs, this.#fire);
  };
}

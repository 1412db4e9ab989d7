/**
 * One life of an actor, from its start or restart to its end: the actor object, and what it holds through its context
 * (timers, watches, children, answers it owes). The end of a life releases all of it at once; a context that is used
 * after that does nothing. The mailbox and the name outlive it and belong to the cell.
 */

import type { ConclaveError } from '../errors.js';
import type { Actor, ActorAddress, ActorContext, ActorRef, SpawnOptions, Timer } from './actor.js';
import type { ActorCell, CellHost } from './actor-cell.js';
import { invalidOption, neverHandled } from './actor-errors.js';
import { ActorTimer, type TimerOwner } from './actor-timer.js';
import type { Clock } from './clock.js';
import { ActorWatch } from './death-watch.js';
import type { Delivery } from './delivery.js';
import type { Logger } from './logger.js';
import type { Random } from './random.js';
import type { Scheduler } from './scheduler.js';

const EXPIRED: Timer = { cancel: () => {} };

export class ActorLife implements ActorContext<unknown>, TimerOwner {
  readonly self: ActorRef<unknown>;
  /** Undefined until the factory has returned. */
  actor: Actor<unknown> | undefined;
  /** Asks that `receive` has returned from without an answer. Each takes itself out when it is settled. */
  readonly owed = new Set<Delivery>();
  readonly #cell: ActorCell;
  readonly #host: CellHost;
  readonly #children = new Set<ActorCell>();
  readonly #timers = new Set<ActorTimer>();
  readonly #watches = new Set<ActorWatch>();
  #isOver = false;

  constructor(cell: ActorCell, host: CellHost) {
    this.#cell = cell;
    this.#host = host;
    this.self = host.ref(cell.address);
  }

  get clock(): Clock {
    return this.#host.clock;
  }

  get random(): Random {
    return this.#host.random;
  }

  get logger(): Logger {
    return this.#host.logger;
  }

  get scheduler(): Scheduler {
    return this.#host.scheduler;
  }

  ref<Other>(address: ActorAddress): ActorRef<Other> {
    return this.#host.ref(address);
  }

  spawn<Child, Data>(options: SpawnOptions<Child, Data>): ActorRef<Child> {
    if (this.#isOver) throw neverHandled(this.#cell.address);
    const child = this.#host.spawnCell(options as unknown as SpawnOptions<unknown, unknown>, this.#cell);
    this.#children.add(child);
    return this.#host.ref(child.address);
  }

  watch(ref: ActorRef<never>, message: (reason: Error | undefined) => unknown): void {
    if (this.#isOver) return;
    const watch = new ActorWatch(message, (reason, delivery) => {
      this.#watches.delete(delivery);
      this.deliver(reason, delivery);
    });
    this.#watches.add(watch);
    watch.begin(this.#host.ref(ref.address));
  }

  after(delayMs: number, message: unknown): Timer {
    if (!(delayMs >= 0 && delayMs < Infinity)) throw invalidOption('delayMs', delayMs, '0 or more');
    return this.#addTimer(message, delayMs, undefined);
  }

  every(periodMs: number, message: unknown): Timer {
    if (!(periodMs > 0 && periodMs < Infinity)) throw invalidOption('periodMs', periodMs, 'more than 0');
    return this.#addTimer(message, periodMs, periodMs);
  }

  stop(): void {
    if (!this.#isOver) this.#cell.stop(undefined);
  }

  deliver(content: unknown, delivery: Delivery): void {
    if (!this.#isOver) this.#cell.deliver(content, delivery);
  }

  forget(timer: ActorTimer): void {
    this.#timers.delete(timer);
  }

  removeChild(child: ActorCell): void {
    this.#children.delete(child);
  }

  /** The first half of the end: nothing is delivered to this life any more. Children end for `reason`, too. */
  close(reason: Error | undefined): void {
    this.#isOver = true;
    for (const timer of this.#timers) timer.cancel();
    for (const watch of this.#watches) watch.cancel();
    this.#watches.clear();
    for (const child of [...this.#children].reverse()) child.stop(reason);
  }

  /** The second half, after the actor's last call: whoever still waits for an answer is told that none will come. */
  rejectOwed(why: () => ConclaveError): void {
    for (const delivery of [...this.owed]) delivery.fail(why());
    this.owed.clear();
  }

  #addTimer(message: unknown, delayMs: number, periodMs: number | undefined): Timer {
    if (this.#isOver) return EXPIRED;
    const timer = new ActorTimer(this, message, delayMs, periodMs);
    this.#timers.add(timer);
    return timer;
  }
}

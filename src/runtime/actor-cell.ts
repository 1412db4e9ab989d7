/**
 * The place of one actor in its system: its name, its mailbox, and the lives that follow each other when it is
 * restarted. It gives the actor its turns, catches what it throws and carries out what its supervision decides. Runs on
 * the system's thread; never calls an actor while that actor's last call has not returned.
 */

import { assert } from '../assert.js';
import type { ConclaveError } from '../errors.js';
import type { ActorAddress, ActorRef, SpawnOptions, Timer } from './actor.js';
import { invalidOption, mailboxFull, neverAnswered, neverHandled, toError } from './actor-errors.js';
import { ActorLife } from './actor-life.js';
import type { Clock } from './clock.js';
import type { Watchable, Watcher } from './death-watch.js';
import { SKIPPED, TOLD, type Delivery } from './delivery.js';
import type { Logger } from './logger.js';
import { DEFAULT_MAILBOX_MAX, Mailbox } from './mailbox.js';
import type { Random } from './random.js';
import type { Scheduler, Task } from './scheduler.js';
import { Supervisor } from './supervisor.js';

/** What a cell needs from its system. */
export interface CellHost {
  readonly scheduler: Scheduler;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Whose turn it is. A message that turns out to be impossible to post is blamed on this actor. */
  current: ActorCell | undefined;
  ref<Message>(address: ActorAddress): ActorRef<Message> & Watchable;
  spawnCell(options: SpawnOptions<unknown, unknown>, parent: ActorCell): ActorCell;
  onStopped(cell: ActorCell): void;
  /** An actor without a parent has escalated. */
  fail(error: Error): void;
}

/**
 * - `starting`: the factory is called at the next turn; messages wait.
 * - `alive`: messages are handled.
 * - `backing off`: crashed, and to be started again; messages are refused as if there were no actor.
 * - `stopped`: ended for good.
 */
type State = 'starting' | 'alive' | 'backing off' | 'stopped';

/** What has been decided about an actor that is still in the middle of a call. */
type Fate =
  | { readonly kind: 'stop'; readonly reason: Error | undefined }
  | { readonly kind: 'crash'; readonly error: Error; readonly mayRestart: boolean };

export class ActorCell implements Task {
  readonly address: ActorAddress;
  readonly #host: CellHost;
  readonly #options: SpawnOptions<unknown, unknown>;
  readonly #parent: ActorCell | undefined;
  readonly #supervisor: Supervisor;
  readonly #mailbox: Mailbox;
  readonly #watchers = new Set<Watcher>();
  #state: State = 'starting';
  /** Invariant: defined exactly while alive. */
  #life: ActorLife | undefined;
  /** Is a turn on its way, or being taken? */
  #isScheduled = false;
  /** Is a call of the actor on the stack? Then its end must wait: see {@link Fate}. */
  #isInCall = false;
  #fate: Fate | undefined;
  #restartTimer: Timer | undefined;

  /** @throws ConclaveError `ERR_INVALID_OPTION`. */
  constructor(
    host: CellHost,
    address: ActorAddress,
    options: SpawnOptions<unknown, unknown>,
    parent: ActorCell | undefined,
  ) {
    const mailboxMax = options.mailboxMax ?? DEFAULT_MAILBOX_MAX;
    if (!(Number.isSafeInteger(mailboxMax) && mailboxMax > 0)) {
      throw invalidOption('mailboxMax', mailboxMax, 'a whole number, 1 or more');
    }
    this.address = address;
    this.#host = host;
    this.#options = options;
    this.#parent = parent;
    this.#supervisor = new Supervisor(options.supervision);
    this.#mailbox = new Mailbox(mailboxMax);
    this.#schedule();
  }

  get isStopped(): boolean {
    return this.#state === 'stopped';
  }

  get mailboxLength(): number {
    return this.#mailbox.length;
  }

  get mailboxMax(): number {
    return this.#mailbox.max;
  }

  /** May another ask be delivered? No, when the actor owes as many answers as its mailbox may hold messages. */
  get mayOweMore(): boolean {
    return this.#life === undefined || this.#life.owed.size < this.#mailbox.max;
  }

  /** @throws ConclaveError `ERR_MAILBOX_FULL`. */
  tell(message: unknown): void {
    if (!this.#isOpen()) return;
    if (this.#mailbox.isFull) throw mailboxFull(this.address, this.#mailbox.max);
    this.#mailbox.push(message, TOLD);
    if (!this.#isScheduled) this.#schedule();
  }

  /** An ask from within the system. */
  ask(message: unknown, ask: Delivery): void {
    if (this.#mailbox.isFull || !this.mayOweMore) ask.fail(mailboxFull(this.address, this.#mailbox.max));
    else this.deliver(message, ask);
  }

  /**
   * Delivers what must not be refused for want of space: it was bounded where it came from. By far most of it is what
   * a link was allowed to send.
   */
  deliver(content: unknown, delivery: Delivery): void {
    if (!this.#isOpen()) return delivery.discard(() => neverHandled(this.address));
    this.#mailbox.push(content, delivery);
    if (!this.#isScheduled) this.#schedule();
  }

  addWatcher(watcher: Watcher): void {
    this.#watchers.add(watcher);
  }

  removeWatcher(watcher: Watcher): void {
    this.#watchers.delete(watcher);
  }

  run(batchMax: number): void {
    if (this.#state === 'starting') this.#start();
    if (this.#state === 'alive' && this.#mailbox.length > 0) this.#handleBatch(batchMax);
    this.#isScheduled = false;
    if (this.#state === 'alive' && this.#mailbox.length > 0) this.#schedule();
  }

  /** Ends the actor for good: now, or as soon as the call has returned that it is in. */
  stop(reason: Error | undefined): void {
    if (this.#state === 'stopped') return;
    if (this.#isInCall) {
      const fate = this.#fate;
      if (fate === undefined) this.#fate = { kind: 'stop', reason };
      else if (fate.kind === 'crash') this.#fate = { ...fate, mayRestart: false };
      return;
    }
    this.#state = 'stopped';
    this.#restartTimer?.cancel();
    this.#endLife(reason);
    this.#host.onStopped(this);
    this.#parent?.onChildStopped(this);
    const watchers = [...this.#watchers];
    this.#watchers.clear();
    for (const watcher of watchers) watcher.onTerminated(reason);
  }

  /** Treats the actor as if it had thrown `error`. One that was about to stop anyway is not restarted. */
  crash(error: Error, mayRestart = true): void {
    if (this.#isInCall) {
      this.#fate = { kind: 'crash', error, mayRestart: mayRestart && mayRestartAfter(this.#fate) };
      return;
    }
    if (!this.#isOpen()) return;
    const verdict = this.#supervisor.judge(this.#host.clock.nowMs());
    this.#host.logger.error({ actor: this.address, error, verdict }, 'actor crashed');
    if (verdict.kind === 'restart' && mayRestart) {
      this.#state = 'backing off';
      this.#endLife(error);
      this.#restartTimer = this.#host.scheduler.after(verdict.delayMs, () => this.#restart());
      return;
    }
    this.stop(error);
    if (verdict.kind === 'escalate') {
      if (this.#parent === undefined) this.#host.fail(error);
      else this.#parent.crash(error);
    }
  }

  onChildStopped(child: ActorCell): void {
    this.#life?.removeChild(child);
  }

  #isOpen(): boolean {
    return this.#state === 'alive' || this.#state === 'starting';
  }

  #schedule(): void {
    this.#isScheduled = true;
    this.#host.scheduler.schedule(this);
  }

  #restart(): void {
    if (this.#state !== 'backing off') return;
    this.#state = 'starting';
    if (!this.#isScheduled) this.#schedule();
  }

  #start(): void {
    const life = new ActorLife(this, this.#host);
    this.#life = life;
    this.#state = 'alive';
    let failure: { readonly error: unknown } | undefined;
    this.#enter();
    try {
      life.actor = this.#options.factory(life, this.#options.data);
    } catch (error) {
      failure = { error };
    }
    this.#leave(failure, undefined);
  }

  #handleBatch(batchMax: number): void {
    const life = this.#life!;
    const actor = life.actor!;
    const mailbox = this.#mailbox;
    let delivery: Delivery | undefined;
    let failure: { readonly error: unknown } | undefined;
    this.#enter();
    try {
      for (let left = batchMax; left > 0 && this.#fate === undefined; left--) {
        delivery = mailbox.peekDelivery();
        if (delivery === undefined) break;
        const content = mailbox.shift();
        let returned: unknown;
        if (delivery === TOLD) {
          returned = actor.receive(content, TOLD);
        } else {
          const message = delivery.open(content);
          if (message === SKIPPED) continue;
          returned = actor.receive(message, delivery);
          if (delivery.isAwaited) delivery.keepIn(life.owed);
        }
        if (returned !== undefined) assertNotPromise(returned);
      }
      delivery = undefined;
      actor.drained?.();
    } catch (error) {
      failure = { error };
    }
    this.#leave(failure, delivery);
  }

  #enter(): void {
    this.#isInCall = true;
    this.#host.current = this;
  }

  /** `delivery` is that of the message in hand when the actor threw. */
  #leave(failure: { readonly error: unknown } | undefined, delivery: Delivery | undefined): void {
    this.#isInCall = false;
    this.#host.current = undefined;
    const fate = this.#fate;
    this.#fate = undefined;
    if (failure !== undefined) {
      const error = toError(failure.error);
      delivery?.fail(neverAnswered(this.address, error));
      this.crash(error, mayRestartAfter(fate));
    } else if (fate?.kind === 'crash') {
      this.crash(fate.error, fate.mayRestart);
    } else if (fate?.kind === 'stop') {
      this.stop(fate.reason);
    }
  }

  /** Releases everything that this life holds, and empties the mailbox. The state must refuse messages already. */
  #endLife(reason: Error | undefined): void {
    const life = this.#life;
    this.#life = undefined;
    if (life !== undefined) {
      life.close(reason);
      this.#callStopped(life);
      life.rejectOwed(() => neverAnswered(this.address, reason));
    }
    const why = (): ConclaveError => neverHandled(this.address, reason);
    for (let delivery = this.#mailbox.peekDelivery(); delivery !== undefined; delivery = this.#mailbox.peekDelivery()) {
      this.#mailbox.shift();
      delivery.discard(why);
    }
  }

  #callStopped(life: ActorLife): void {
    try {
      life.actor?.stopped?.();
    } catch (error) {
      // The actor has ended, and there is nothing left to supervise.
      this.#host.logger.error({ actor: this.address, error }, 'actor threw while it was being stopped');
    }
  }
}

/** May an actor that has crashed be restarted, given what has been decided about it before in the same call? */
function mayRestartAfter(fate: Fate | undefined): boolean {
  return fate === undefined || (fate.kind === 'crash' && fate.mayRestart);
}

function assertNotPromise(returned: unknown): void {
  const isPromise = typeof returned === 'object' && returned !== null && 'then' in returned;
  assert(!isPromise, 'receive() returns no promise; what waits sends its result as a message');
}

/**
 * An ask as its caller waits for it: a promise with a deadline and, if wanted, a signal that ends the wait. It settles
 * exactly once and leaves no timer and no listener behind. It doesn't know how the answer travels: see `LocalAsk` and
 * `RemoteAsk`.
 */

import type { ActorAddress, AskOptions, Timer } from './actor.js';
import { askAborted, askTimedOut, invalidOption } from './actor-errors.js';
import type { ConclaveError } from '../errors.js';
import type { Scheduler } from './scheduler.js';

/** Why an ask with these options must be rejected at once; undefined when it may be sent. */
export function askRefusal(address: ActorAddress, options: AskOptions): ConclaveError | undefined {
  const { timeoutMs, signal } = options;
  if (!(timeoutMs >= 0 && timeoutMs < Infinity)) {
    return invalidOption('timeoutMs', timeoutMs, 'a number of milliseconds, 0 or more');
  }
  return signal?.aborted ? askAborted(address, signal, false) : undefined;
}

export abstract class PendingAsk {
  readonly promise: Promise<unknown>;
  readonly address: ActorAddress;
  #resolve!: (value: unknown) => void;
  #reject!: (error: Error) => void;
  #isSettled = false;
  readonly #timer: Timer;
  readonly #signal: AbortSignal | undefined;

  /** The options must have passed {@link askRefusal}. */
  constructor(address: ActorAddress, options: AskOptions, scheduler: Scheduler) {
    this.address = address;
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    const { timeoutMs } = options;
    this.#timer = scheduler.after(timeoutMs, () => this.fail(askTimedOut(address, timeoutMs)));
    this.#signal = options.signal;
    this.#signal?.addEventListener('abort', this.#onAbort);
  }

  /** Does the caller still wait? */
  get isAwaited(): boolean {
    return !this.#isSettled;
  }

  ok(value?: unknown): void {
    if (this.#settle()) this.#resolve(value);
  }

  fail(error: Error): void {
    if (this.#settle()) this.#reject(error);
  }

  /** Called once, when the promise is being settled, for whatever reason. */
  protected abstract onSettled(): void;

  #settle(): boolean {
    if (this.#isSettled) return false;
    this.#isSettled = true;
    this.#timer.cancel();
    this.#signal?.removeEventListener('abort', this.#onAbort);
    this.onSettled();
    return true;
  }

  readonly #onAbort = (): void => this.fail(askAborted(this.address, this.#signal!, true));
}

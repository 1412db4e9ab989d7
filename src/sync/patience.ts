/**
 * How long one call is willing to wait: until its signal is aborted, or for so many milliseconds. On the caller's
 * thread. It covers waiting only, and knows nothing of what happens afterwards.
 */

import type { Timer } from '../runtime/actor.js';
import { ConclaveError } from '../errors.js';
import type { Timekeeper } from '../runtime/timekeeper.js';

/** How to wait. */
export interface WaitOptions {
  /** Ends the wait with `ERR_ABORTED`. It has no effect on what has been acquired. */
  readonly signal?: AbortSignal;
  /** Ends the wait after so many milliseconds, with `ERR_TIMEOUT`. */
  readonly timeoutMs?: number;
}

export class Patience {
  readonly #timekeeper: Timekeeper;
  readonly #signal: AbortSignal | null;
  readonly #timer: Timer | null;
  readonly #onAbort: () => void;
  /** Why it is over; null: it is not. */
  #reason: ConclaveError | null = null;
  /** Told when it is over. */
  #reject: ((reason: ConclaveError) => void) | null = null;

  constructor({ signal, timeoutMs }: WaitOptions, what: string, timekeeper: Timekeeper) {
    this.#timekeeper = timekeeper;
    this.#signal = signal ?? null;
    this.#onAbort = () => this.#lose(aborted(what, signal?.reason));
    if (signal?.aborted === true) this.#onAbort();
    else signal?.addEventListener('abort', this.#onAbort, { once: true });
    this.#timer =
      timeoutMs === undefined ? null : timekeeper.after(timeoutMs, () => this.#lose(timedOut(what, timeoutMs)));
  }

  /** Settles as `promise` does, or rejects once patience is over. One at a time. */
  wait<Result>(promise: Promise<Result>): Promise<Result> {
    // Most have no end to it.
    if (this.#signal === null && this.#timer === null) return promise;
    // Whatever becomes of it later on is nobody's concern here.
    promise.catch(() => {});
    if (this.#reason !== null) return Promise.reject(this.#reason);
    return new Promise<Result>((resolve, reject) => {
      this.#reject = reject;
      promise.then(resolve, reject);
    });
  }

  /** Lets time pass; rejects once patience is over. */
  async pause(delayMs: number): Promise<void> {
    let timer: Timer | null = null;
    try {
      await this.wait(new Promise<void>((resolve) => (timer = this.#timekeeper.after(delayMs, resolve))));
    } finally {
      (timer as Timer | null)?.cancel();
    }
  }

  /** Nothing waits any more. */
  end(): void {
    this.#timer?.cancel();
    this.#signal?.removeEventListener('abort', this.#onAbort);
  }

  #lose(reason: ConclaveError): void {
    this.#reason ??= reason;
    this.#reject?.(this.#reason);
  }
}

function aborted(what: string, cause: unknown): ConclaveError {
  return new ConclaveError('ERR_ABORTED', `${what} was waited for, and the signal was aborted.`, {
    cause,
    mayBeApplied: false,
    retrySafe: true,
  });
}

function timedOut(what: string, timeoutMs: number): ConclaveError {
  return new ConclaveError('ERR_TIMEOUT', `${what} could not be had within ${Math.round(timeoutMs)} ms.`, {
    data: { timeoutMs },
    mayBeApplied: false,
    retrySafe: true,
  });
}

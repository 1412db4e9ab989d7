/**
 * The waiting calls of one method of one object, whichever handle they are made by, on the caller's thread: makes the
 * call, and again whenever the object has changed in a way that may help, until it returns something else than "not
 * now". They are tried in the order of their calls, one at a time, so that many who wait for one item do not all go
 * through the log for it. Whoever waits holds nothing on any other thread or node: what a call takes, it takes by a
 * command that somebody waits for.
 */

import { ConclaveError } from '../../errors.js';
import type { MethodName } from './block-names.js';
import type { Call } from './call.js';
import type { Caller } from './caller.js';
import type { WaitingMethod } from './describe-class.js';
import { AbortWatch } from './abort-watch.js';
import type { Watch } from './changes/watch.js';

/** How many calls of one method may wait. */
export const WAITING_CALLS_MAX = 65_536;

interface WaitingCall {
  readonly args: readonly unknown[];
  readonly signal: AbortSignal;
  readonly timeoutMs: number | null;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
  forgetSignal: () => void;
}

/** What ends a watch, and is no reason not to begin another. */
const BEGINS_ANEW: ReadonlySet<string> = new Set(['ERR_CHANGES_LOST', 'ERR_WATCHER_BEHIND']);

export class WaitingCalls {
  readonly #caller: Caller;
  readonly #object: string;
  readonly #name: MethodName;
  readonly #method: WaitingMethod;
  /** In the order of their calls. Leaving from the middle is rare. */
  readonly #waiting = new Set<WaitingCall>();
  readonly #aborts = new AbortWatch();
  /** The one whose command is under way. */
  #trying: WaitingCall | null = null;
  /** The one that waits for a change; those behind it have not been tried. */
  #first: WaitingCall | null = null;
  #watch: Watch | null = null;
  #isRunning = false;

  /** Those of this method that wait already, for they are made in the order in which they came; or none yet. */
  static of(caller: Caller, object: string, name: MethodName, method: WaitingMethod): WaitingCalls {
    return caller.waitingCalls.get(name.text) ?? new WaitingCalls(caller, object, name, method);
  }

  private constructor(caller: Caller, object: string, name: MethodName, method: WaitingMethod) {
    this.#caller = caller;
    this.#object = object;
    this.#name = name;
    this.#method = method;
  }

  /** Resolves with the first result that is not "not now". The promise is rejected rather than anything thrown. */
  async call(given: readonly unknown[], ownSignal: AbortSignal, call: Call): Promise<unknown> {
    // Its turn may come late, and more than once: what the caller does to them meanwhile changes nothing.
    const args = this.#caller.copyOf(this.#name, given);
    return this.#wait(args, ownSignal, call);
  }

  #wait(args: readonly unknown[], ownSignal: AbortSignal, { timeoutMs, signal: handleSignal }: Call): Promise<unknown> {
    const signals = handleSignal === null ? [ownSignal] : [ownSignal, handleSignal];
    for (const each of signals) if (each.aborted) return Promise.reject(this.#aborted(each));
    // Whoever waits already goes on waiting: see Call.isTry.
    const refusal = this.#caller.whyRefused(this.#name);
    if (refusal !== null) return Promise.reject(refusal);
    if (this.#waiting.size >= WAITING_CALLS_MAX) return Promise.reject(this.#tooMany());
    return new Promise((resolve, reject) => {
      // AbortSignal.any holds on to what it has made for as long as there is one of those that it was made of.
      const either = handleSignal === null ? null : new AbortController();
      const signal = either?.signal ?? ownSignal;
      const call: WaitingCall = { args, signal, timeoutMs, resolve, reject, forgetSignal: nothing };
      const forget = signals.map((each) =>
        this.#aborts.add(each, () => {
          either?.abort(each.reason);
          this.#onAbort(call);
        }),
      );
      call.forgetSignal = () => {
        for (const end of forget) end();
      };
      this.#waiting.add(call);
      if (!this.#isRunning) void this.#run();
    });
  }

  /** Never rejects. */
  async #run(): Promise<void> {
    this.#isRunning = true;
    const { waitingCalls } = this.#caller;
    waitingCalls.set(this.#name.text, this);
    for (const call of this.#waiting) {
      while (this.#waiting.has(call)) {
        const outcome = await this.#try(call);
        // It may have been aborted just now.
        if (outcome === 'not now' && this.#waiting.has(call)) await this.#untilChanged(call);
      }
    }
    this.#isRunning = false;
    waitingCalls.delete(this.#name.text);
    void this.#watch?.return();
    this.#watch = null;
  }

  async #try(call: WaitingCall): Promise<'over' | 'not now' | 'again'> {
    const { args, signal, timeoutMs } = call;
    this.#trying = call;
    let outcome: 'not now' | 'again';
    try {
      const result = await this.#caller.command(this.#name, args, { timeoutMs, signal, isTry: true });
      if (result !== this.#method.while) return this.#end(call, () => call.resolve(result));
      outcome = 'not now';
    } catch (error) {
      if (!hasNotRun(error)) return this.#end(call, () => call.reject(error));
      outcome = 'again';
    } finally {
      this.#trying = null;
    }
    return signal.aborted ? this.#end(call, () => call.reject(this.#aborted(signal))) : outcome;
  }

  /** Waits for a change after which the method may do what it could not. */
  async #untilChanged(call: WaitingCall): Promise<void> {
    this.#first = call;
    try {
      if (this.#watch === null) {
        this.#watch = this.#caller.watch({
          object: this.#object,
          key: undefined,
          from: null,
          read: null,
          signal: null,
        });
        await this.#watch.begun();
        // What has changed between the last try and the beginning is not told.
        return;
      }
      for (;;) {
        const { done, value } = await this.#watch.next();
        // Who waited has given up.
        if (done === true) return;
        if (this.#method.until.includes((value as { type?: unknown } | null)?.type as string)) return;
      }
    } catch (error) {
      this.#watch = null;
      const mayBegin = error instanceof ConclaveError && BEGINS_ANEW.has(error.code);
      if (!mayBegin && this.#waiting.has(call)) this.#end(call, () => call.reject(error));
    } finally {
      this.#first = null;
    }
  }

  #onAbort(call: WaitingCall): void {
    // What becomes of its command decides: nobody else may be given what it takes.
    if (call === this.#trying) return;
    this.#end(call, () => call.reject(this.#aborted(call.signal)));
    // What it has found not to be possible may be possible for the next one: that is not to wait for a change.
    if (call !== this.#first) return;
    void this.#watch?.return();
    this.#watch = null;
  }

  #end(call: WaitingCall, settle: () => void): 'over' {
    this.#waiting.delete(call);
    call.forgetSignal();
    settle();
    return 'over';
  }

  #aborted(signal: AbortSignal): ConclaveError {
    return new ConclaveError(
      'ERR_ABORTED',
      `${this.#name.text} was waiting, and its signal was aborted: it has done nothing.`,
      {
        cause: signal.reason,
        mayBeApplied: false,
        retrySafe: true,
      },
    );
  }

  #tooMany(): ConclaveError {
    return new ConclaveError(
      'ERR_QUEUE_FULL',
      `${WAITING_CALLS_MAX} calls of ${this.#name.text} are waiting already.`,
      {
        data: { limit: 'waiting calls', waiting: WAITING_CALLS_MAX, max: WAITING_CALLS_MAX },
      },
    );
  }
}

const nothing = (): void => {};

/** It waits on then. It took its time to end so, or was aborted. */
const WAITS_ON: ReadonlySet<string> = new Set(['ERR_NO_LEADER', 'ERR_TIMEOUT', 'ERR_SESSION_EXPIRED', 'ERR_ABORTED']);

function hasNotRun(error: unknown): boolean {
  return error instanceof ConclaveError && !error.mayBeApplied && WAITS_ON.has(error.code);
}

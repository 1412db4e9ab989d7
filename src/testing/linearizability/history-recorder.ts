/**
 * Records a history while it happens, in one process. Its times are the order in which it was told of things, so no two
 * are alike and no clock is needed; it never looks at inputs and outputs.
 */

import { assert } from '../../assert.js';
import type { CallOutcome, HistoryCall } from './history.js';
import { outcomeOfError } from './outcome-of-error.js';

/**
 * Records a history. `call` before the call is made, and one of the others as soon as its promise has settled; a call
 * of which nothing more is said counts as unknown.
 *
 * @example
 * const recorder = new HistoryRecorder<CounterInput, number>();
 *
 * async function add(client: string, amount: number): Promise<void> {
 *   const call = recorder.call(client, ['add', amount]);
 *   await hits.add(amount).then(
 *     (value) => recorder.answered(call, value),
 *     (error: unknown) => recorder.failed(call, error),
 *   );
 * }
 *
 * await Promise.all([add('ann', 1), add('bob', 2)]);
 * checkLinearizable(counterModel(), recorder.calls()).kind; // 'linearizable'
 */
export class HistoryRecorder<Input, Output> {
  readonly #calls: HistoryCall<Input, Output>[] = [];
  #time = 0;

  /** A client is about to call. Returns what names the call from now on: its place in {@link HistoryRecorder.calls}. */
  call(client: string, input: Input): number {
    const invokedAt = this.#tick();
    return this.#calls.push({ client, input, invokedAt, returnedAt: Infinity, outcome: { kind: 'unknown' } }) - 1;
  }

  /** The call has returned. */
  answered(call: number, output: Output): void {
    this.#settle(call, { kind: 'answered', output });
  }

  /** The call has taken effect, and what it returned is lost. */
  applied(call: number): void {
    this.#settle(call, { kind: 'applied' });
  }

  /** The call has ended without telling whether it takes effect. */
  unknown(call: number): void {
    this.#settle(call, { kind: 'unknown' });
  }

  /** The call has not taken effect, and never will. */
  refused(call: number): void {
    this.#settle(call, { kind: 'refused' });
  }

  /** The call has ended with this error; see {@link outcomeOfError}. */
  failed(call: number, error: unknown): void {
    this.#settle(call, outcomeOfError(error));
  }

  /** The history up to now, in the order of invocations. */
  calls(): readonly HistoryCall<Input, Output>[] {
    return [...this.#calls];
  }

  #settle(call: number, outcome: CallOutcome<Output>): void {
    const open = this.#calls[call];
    assert(open?.returnedAt === Infinity, 'a call ends once');
    this.#calls[call] = { ...open, returnedAt: this.#tick(), outcome };
  }

  #tick(): number {
    this.#time += 1;
    return this.#time;
  }
}

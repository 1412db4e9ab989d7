/**
 * Makes histories that are linearizable because they have happened: clients call an object, each call takes effect at
 * one moment between its invocation and its return, and now and then nobody learns what became of one.
 */

import { randomBelow, type Random } from '../../../../../src/runtime/random.js';
import { HistoryRecorder } from '../../../../../src/testing/linearizability/history-recorder.js';
import type { HistoryCall } from '../../../../../src/testing/linearizability/history.js';
import type { LiveObject } from './objects.js';

export interface ConcurrentRunOptions<Input, Output> {
  readonly object: LiveObject<Input, Output>;
  /** The input of the nth call, from 0. */
  readonly input: (n: number, random: Random) => Input;
  readonly calls: number;
  readonly clients: number;
  /** Of 100 calls, so many end without telling, whether or not they take effect, then or later. */
  readonly unknownPercent?: number;
}

interface Running<Input, Output> {
  readonly call: number;
  readonly input: Input;
  result: { readonly output: Output } | null;
}

export function concurrentRun<Input, Output>(
  random: Random,
  { object, input, calls, clients, unknownPercent = 0 }: ConcurrentRunOptions<Input, Output>,
): readonly HistoryCall<Input, Output>[] {
  const recorder = new HistoryRecorder<Input, Output>();
  const running = new Map<number, Running<Input, Output>>();
  /** Given up by their callers, and still to take effect, perhaps. */
  const orphans: Input[] = [];
  let made = 0;
  while (made < calls || running.size > 0) {
    const client = randomBelow(random, clients);
    const current = running.get(client);
    if (current === undefined) {
      if (made === calls) continue;
      const next = input(made, random);
      made += 1;
      running.set(client, { call: recorder.call(`client ${client}`, next), input: next, result: null });
    } else if (randomBelow(random, 200) < unknownPercent) {
      // Each call passes here twice, more or less: before and after it takes effect.
      recorder.unknown(current.call);
      running.delete(client);
      if (current.result === null && randomBelow(random, 2) === 0) orphans.push(current.input);
    } else if (current.result === null) {
      current.result = { output: object(current.input) };
    } else {
      recorder.answered(current.call, current.result.output);
      running.delete(client);
    }
    if (orphans.length > 0 && randomBelow(random, 20) === 0) {
      object(orphans.splice(randomBelow(random, orphans.length), 1)[0]!);
    }
  }
  return recorder.calls();
}

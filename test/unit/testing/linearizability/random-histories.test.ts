/** The checker against the definition, on small histories, and against what has happened, on longer ones. */

import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SeededRandom } from '../../../../src/runtime/random.js';
import { checkLinearizable } from '../../../../src/testing/linearizability/check-linearizable.js';
import type { HistoryCall } from '../../../../src/testing/linearizability/history.js';
import { counterModel, type CounterInput } from '../../../../src/testing/linearizability/models/counter-model.js';
import {
  journalModel,
  type JournalInput,
  type JournalOutput,
} from '../../../../src/testing/linearizability/models/journal-model.js';
import {
  lockModel,
  type LockInput,
  type LockOutput,
} from '../../../../src/testing/linearizability/models/lock-model.js';
import { mapModel, type MapInput, type MapOutput } from '../../../../src/testing/linearizability/models/map-model.js';
import { queueModel, type QueueInput } from '../../../../src/testing/linearizability/models/queue-model.js';
import {
  registerModel,
  type RegisterInput,
  type RegisterOutput,
} from '../../../../src/testing/linearizability/models/register-model.js';
import { UNKNOWN, type SequentialModel } from '../../../../src/testing/linearizability/sequential-model.js';
import { isLinearizableByDefinition } from './support/brute-force.js';
import { concurrentRun } from './support/concurrent-run.js';
import {
  liveCounter,
  liveJournal,
  liveLock,
  liveMap,
  liveQueue,
  liveRegister,
  type LiveObject,
} from './support/objects.js';

/** An object, what it may be called with, and what calls may pretend to have returned. */
interface Subject<State, Input, Output> {
  readonly model: SequentialModel<State, Input, Output>;
  readonly object: () => LiveObject<Input, Output>;
  readonly input: fc.Arbitrary<Input>;
  /** May an object that is called in this order answer like that? Default: what `object` does. */
  readonly isExplained?: (order: readonly HistoryCall<Input, Output>[]) => boolean;
  /** Few, so that many histories are all but linearizable. */
  readonly output: (input: Input) => fc.Arbitrary<Output>;
}

const value = fc.integer({ min: 0, max: 2 });
const key = fc.constantFrom('a', 'b');
const owner = fc.constantFrom('ann', 'bob');

const register: Subject<number, RegisterInput<number>, RegisterOutput<number>> = {
  model: registerModel(0),
  object: () => liveRegister(0),
  input: fc.oneof(
    fc.constant<RegisterInput<number>>(['read']),
    fc.tuple(fc.constant('write' as const), value),
    fc.tuple(fc.constant('compareAndSet' as const), value, value),
  ),
  output: ([method]) => (method === 'read' ? value : method === 'write' ? fc.constant(undefined) : fc.boolean()),
};

const counter: Subject<number, CounterInput, number> = {
  model: counterModel(),
  object: liveCounter,
  input: fc.oneof(fc.constant<CounterInput>(['get']), fc.tuple(fc.constant('add' as const), value)),
  output: () => fc.integer({ min: 0, max: 4 }),
};

const downAndUpCounter: Subject<number, CounterInput, number> = {
  ...counter,
  input: fc.oneof(
    fc.constant<CounterInput>(['get']),
    fc.tuple(fc.constant('add' as const), fc.integer({ min: -2, max: 2 })),
  ),
  output: () => fc.integer({ min: -2, max: 2 }),
};

const map: Subject<unknown, MapInput<number>, MapOutput<number>> = {
  model: mapModel<number>(),
  object: liveMap,
  input: fc.oneof(
    fc.tuple(fc.constant('set' as const), key, value),
    fc.tuple(fc.constantFrom('get' as const, 'delete' as const, 'has' as const), key),
  ),
  output: ([method]) =>
    method === 'get' ? fc.option(value, { nil: undefined }) : method === 'set' ? fc.constant(undefined) : fc.boolean(),
};

const lock: Subject<string | null, LockInput, LockOutput> = {
  model: lockModel(),
  object: liveLock,
  input: fc.oneof(
    fc.constant<LockInput>(['holder']),
    fc.tuple(fc.constantFrom('tryAcquire' as const, 'release' as const), owner),
  ),
  output: ([method]) => (method === 'holder' ? fc.option(owner) : fc.boolean()),
};

const queue: Subject<readonly number[], QueueInput<number>, number | undefined> = {
  model: queueModel<number>(),
  object: liveQueue,
  input: fc.oneof(fc.constant<QueueInput<number>>(['dequeue']), fc.tuple(fc.constant('enqueue' as const), value)),
  output: ([method]) => (method === 'enqueue' ? fc.constant(undefined) : fc.option(value, { nil: undefined })),
};

const journal: Subject<unknown, JournalInput<number>, JournalOutput<number>> = {
  model: journalModel<number>(),
  object: liveJournal,
  input: fc.oneof(fc.constant<JournalInput<number>>(['all']), fc.tuple(fc.constant('append' as const), value)),
  output: ([method]) =>
    method === 'append' ? fc.integer({ min: 1, max: 4 }) : fc.array(value, { minLength: 0, maxLength: 4 }),
};

/** Does the object answer like that, as far as answers are known? */
function isAnsweredBy<Input, Output>(
  object: LiveObject<Input, Output>,
  order: readonly HistoryCall<Input, Output>[],
): boolean {
  return order.every(({ input, outcome }) => {
    const output = object(input);
    return outcome.kind !== 'answered' || isDeepStrictEqual(outcome.output, output);
  });
}

/** The definition of a model, for objects that may choose. */
function isExplainedBy<State, Input, Output>(
  model: SequentialModel<State, Input, Output>,
  order: readonly HistoryCall<Input, Output>[],
): boolean {
  let states: readonly State[] = [model.initial];
  for (const { input, outcome } of order) {
    const output = outcome.kind === 'answered' ? outcome.output : UNKNOWN;
    states = states.flatMap((state) => model.step(state, input, output));
  }
  return states.length > 0;
}

/** A bag, from which one draws blindly: a model in which a call of unknown output may lead to several states. */
type BagInput = readonly ['put', number] | readonly ['draw'];
const bagModel: SequentialModel<readonly number[], BagInput, number | undefined> = {
  name: 'bag',
  initial: [],
  step(held, input, output) {
    if (input[0] === 'put') return [[...held, input[1]].toSorted((a, b) => a - b)];
    if (held.length === 0) return output === UNKNOWN || output === undefined ? [held] : [];
    return held.flatMap((each, i) => (output === UNKNOWN || output === each ? [held.toSpliced(i, 1)] : []));
  },
  equals: (a, b) => a.join() === b.join(),
};
const bag: Subject<readonly number[], BagInput, number | undefined> = {
  model: bagModel,
  isExplained: (order) => isExplainedBy(bagModel, order),
  object: () => {
    const held: number[] = [];
    return (input) => {
      if (input[0] === 'draw') return held.splice(held.length >> 1, 1)[0];
      held.push(input[1]);
      return undefined;
    };
  },
  input: fc.oneof(fc.constant<BagInput>(['draw']), fc.tuple(fc.constant('put' as const), value)),
  output: ([method]) => (method === 'put' ? fc.constant(undefined) : fc.option(value, { nil: undefined })),
};

const SUBJECTS = { register, counter, downAndUpCounter, map, lock, queue, journal, bag };
// A test treats them all alike, whatever they are called with.
const subjects = Object.entries(SUBJECTS) as unknown as [string, Subject<unknown, unknown, unknown>][];

const CALLS_MAX = 6;
const TIMES_MAX = 8;
const RUNS = 500;

/** A call with any interval, ties included, and any outcome. */
function anyCall<Input, Output>({
  input,
  output,
}: Subject<unknown, Input, Output>): fc.Arbitrary<HistoryCall<Input, Output>> {
  return input
    .chain((given) =>
      fc.record({
        client: fc.constant('client'),
        input: fc.constant(given),
        times: fc.tuple(fc.nat(TIMES_MAX), fc.nat(TIMES_MAX)),
        outcome: fc.oneof(
          { weight: 5, arbitrary: fc.record({ kind: fc.constant('answered' as const), output: output(given) }) },
          { weight: 1, arbitrary: fc.record({ kind: fc.constant('applied' as const) }) },
          { weight: 4, arbitrary: fc.record({ kind: fc.constant('unknown' as const) }) },
          { weight: 1, arbitrary: fc.record({ kind: fc.constant('refused' as const) }) },
        ),
      }),
    )
    .map(({ client, input: given, times, outcome }) => ({
      client,
      input: given,
      invokedAt: Math.min(...times),
      returnedAt: Math.max(...times),
      outcome,
    }));
}

describe.each(subjects)('%s', (_name, subject) => {
  test('any small history is judged as the definition judges it', () => {
    const verdicts = { linearizable: 0, notLinearizable: 0 };
    fc.assert(
      fc.property(fc.array(anyCall(subject), { minLength: 1, maxLength: CALLS_MAX }), (calls) => {
        const { kind } = checkLinearizable(subject.model, calls);

        const isExplained = subject.isExplained ?? ((order) => isAnsweredBy(subject.object(), order));
        expect(kind).toBe(isLinearizableByDefinition(isExplained, calls) ? 'linearizable' : 'notLinearizable');
        verdicts[kind as keyof typeof verdicts] += 1;
      }),
      { numRuns: RUNS },
    );
    // Neither verdict is rare, or this would show little.
    expect(Math.min(verdicts.linearizable, verdicts.notLinearizable)).toBeGreaterThan(RUNS / 10);
  });

  test('a history that has happened is accepted, whatever overlaps and whatever is not known', () => {
    const options = fc.record({
      seed: fc.nat(),
      inputs: fc.array(subject.input, { minLength: 1, maxLength: 60 }),
      clients: fc.integer({ min: 1, max: 5 }),
      unknownPercent: fc.constantFrom(0, 10, 30),
    });
    fc.assert(
      fc.property(options, ({ seed, inputs, clients, unknownPercent }) => {
        const random = new SeededRandom(seed);
        const calls = concurrentRun(random, {
          object: subject.object(),
          input: (n) => inputs[n]!,
          calls: inputs.length,
          clients,
          unknownPercent,
        });

        expect(checkLinearizable(subject.model, calls)).toMatchObject({ kind: 'linearizable' });
      }),
      { numRuns: 300 },
    );
  });
});

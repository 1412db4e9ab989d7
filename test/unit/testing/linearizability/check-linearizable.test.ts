/** What the checker says, and what it refuses to look at. Whether its verdicts are true is tested next door. */

import { describe, expect, test } from 'vitest';
import { checkLinearizable } from '../../../../src/testing/linearizability/check-linearizable.js';
import { counterModel, type CounterInput } from '../../../../src/testing/linearizability/models/counter-model.js';
import { mapModel, type MapInput, type MapOutput } from '../../../../src/testing/linearizability/models/map-model.js';
import { registerModel } from '../../../../src/testing/linearizability/models/register-model.js';
import type { HistoryCall } from '../../../../src/testing/linearizability/history.js';
import type { SequentialModel } from '../../../../src/testing/linearizability/sequential-model.js';
import { answered, unknown } from './support/calls.js';

/**
 * Any subset of these additions may have been applied, and each makes another sum, which is never the one that is read.
 */
const SUBSET_SUM: readonly HistoryCall<CounterInput, number>[] = [
  ...Array.from({ length: 40 }, (_, i) => unknown(`client ${i}`, i, ['add', 2 * 3 ** i] as const)),
  answered('reader', [100, 101], ['get'] as const, 1),
  // Without this one, the counter would only grow, and the checker would know that it is past 1.
  answered('reader', [102, 103], ['add', -1] as const, 0),
];

describe('a history that is not linearizable', () => {
  test('is explained by the order that comes furthest and by what does not fit behind it', () => {
    const set = answered('ann', [1, 4], ['set', 'tea', 3] as const, undefined);
    const seen = answered('bob', [5, 6], ['get', 'tea'] as const, 3);
    const unseen = answered('cid', [7, 8], ['get', 'tea'] as const, undefined);
    const later = unknown('dan', 3, ['set', 'tea', 5] as const);
    const elsewhere = answered('ann', [9, 10], ['get', 'milk'] as const, undefined);
    const calls: HistoryCall<MapInput<number>, MapOutput<number>>[] = [set, seen, unseen, later, elsewhere];

    const verdict = checkLinearizable(mapModel<number>(), calls);

    expect(verdict).toMatchObject({
      kind: 'notLinearizable',
      part: 'tea',
      longestPrefix: [set, seen],
      unfit: [unseen, later],
    });
    expect(verdict).toHaveProperty(
      'explanation',
      [
        "No order of the 4 calls of map, 'tea' explains what they returned.",
        'The order that comes furthest:',
        "  [1, 4] ann: set('tea', 3) → undefined",
        "  [5, 6] bob: get('tea') → 3",
        'after which the state is 3.',
        'The next one to take effect has to be',
        "  [7, 8] cid: get('tea') → undefined",
        'or, before it, one of those that are under way,',
        "  [3, …] dan: set('tea', 5) → ? (unknown)",
        'and none of them leads on.',
      ].join('\n'),
    );
  });

  test('is explained although nothing could come first', () => {
    const verdict = checkLinearizable(registerModel(0), [answered('ann', [1, 2], ['read'] as const, 7)]);

    expect(verdict).toHaveProperty(
      'explanation',
      [
        'No order of the 1 calls of register explains what they returned.',
        'At first, the state is 0.',
        'The next one to take effect has to be',
        '  [1, 2] ann: read() → 7',
        'and none of them leads on.',
      ].join('\n'),
    );
  });

  test('is explained by the last calls of a long order', () => {
    const calls = Array.from({ length: 100 }, (_, i) =>
      answered('ann', [2 * i, 2 * i + 1], ['add', 1] as const, i + 1),
    );

    const verdict = checkLinearizable(counterModel(), [...calls, answered('bob', [300, 301], ['get'], 7)]);

    expect(verdict).toHaveProperty('longestPrefix.length', 100);
    expect(verdict).toHaveProperty('explanation', expect.stringContaining('(80 more)\n  [160, 161] ann: add(1) → 81'));
  });
});

test('a search without end is left undecided when its work is done, and says why', () => {
  const verdict = checkLinearizable(counterModel(), SUBSET_SUM, { workMax: 10_000 });

  expect(verdict).toMatchObject({
    kind: 'undecided',
    explanation: 'Undecided after workMax = 10000 steps, at counter: 42 calls, 40 of them with an unknown outcome.',
  });
  // What is begun is finished, and that is little.
  expect(verdict.work).toBeLessThan(11_000);
});

test('a small part that is wrong is found although a large one cannot be decided', () => {
  const inParts = counterInParts();
  const hard = SUBSET_SUM.map((call) => ({ ...call, input: { part: 'hard', input: call.input } }));
  const wrong = answered('ann', [1, 2], { part: 'wrong', input: ['get'] as CounterInput }, 1);

  const verdict = checkLinearizable(inParts, [...hard, wrong], { workMax: 10_000 });

  expect(verdict).toMatchObject({ kind: 'notLinearizable', part: 'wrong' });
});

test('the same history takes the same work', () => {
  const first = checkLinearizable(counterModel(), SUBSET_SUM, { workMax: 5_000 });
  const second = checkLinearizable(counterModel(), SUBSET_SUM, { workMax: 5_000 });

  expect(second).toEqual(first);
});

test.each([
  ['returns before it was invoked', answered('ann', [2, 1], ['get'] as const, 0)],
  ['was answered and never returned', answered('ann', [2, Infinity], ['get'] as const, 0)],
  ['was invoked at no time', unknown('ann', Number.NaN, ['get'] as const)],
  [
    'has a misspelt outcome, which says that it is wrong',
    { ...answered('ann', [1, 2], ['get'] as const, 7), outcome: { kind: 'anwsered', output: 7 } as never },
  ],
])('a call that %s is refused', (_name, call) => {
  const check = (): unknown => checkLinearizable(counterModel(), [call]);

  expect(check).toThrow(expect.objectContaining({ code: 'ERR_INVALID_OPTION', data: { option: 'calls', index: 0 } }));
});

test('a limit that is none is refused', () => {
  const check = (): unknown => checkLinearizable(counterModel(), [], { workMax: 0 });

  expect(check).toThrow(expect.objectContaining({ code: 'ERR_INVALID_OPTION' }));
});

/** Counters by name. */
function counterInParts(): SequentialModel<number, { readonly part: string; readonly input: CounterInput }, number> {
  const { name, initial, step } = counterModel();
  return {
    name,
    initial,
    step: (value, { input }, output) => step(value, input, output),
    partOf: ({ part }) => part,
  };
}

/**
 * Linearizability by its definition, word by word: every order of every choice of the unknown calls is looked at. For a
 * handful of calls.
 */

import type { HistoryCall } from '../../../../../src/testing/linearizability/history.js';

/** `isExplained` says whether an object that is called in this order, one after the other, may answer like that. */
export function isLinearizableByDefinition<Input, Output>(
  isExplained: (order: readonly HistoryCall<Input, Output>[]) => boolean,
  calls: readonly HistoryCall<Input, Output>[],
): boolean {
  const certain = calls.filter(({ outcome }) => outcome.kind === 'answered' || outcome.kind === 'applied');
  const unknown = calls.filter(({ outcome }) => outcome.kind === 'unknown');
  return subsetsOf(unknown).some((taken) =>
    permutationsOf([...certain, ...taken]).some((order) => isInTime(order) && isExplained(order)),
  );
}

/** No call comes before one that had returned before it was invoked. */
function isInTime(order: readonly HistoryCall<unknown, unknown>[]): boolean {
  return order.every((call, i) =>
    order.slice(i + 1).every(({ outcome, returnedAt }) => outcome.kind === 'unknown' || !(returnedAt < call.invokedAt)),
  );
}

function subsetsOf<T>(items: readonly T[]): T[][] {
  return Array.from({ length: 2 ** items.length }, (_, bits) => items.filter((_item, i) => bits & (1 << i)));
}

function permutationsOf<T>(items: readonly T[]): T[][] {
  if (items.length === 0) return [[]];
  return items.flatMap((item, i) => permutationsOf(items.toSpliced(i, 1)).map((rest) => [item, ...rest]));
}

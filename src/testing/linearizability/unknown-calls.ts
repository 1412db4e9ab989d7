/**
 * The calls of which nobody knows whether they took effect. They are the dear part of a search, for each may come at
 * any time or never; so those with equal inputs are one group, of which only the number taken counts: nothing
 * distinguishes them but their invocations, and whatever one of them can do, an earlier one can do as well.
 */

import { inspect, isDeepStrictEqual } from 'node:util';
import type { HistoryCall } from './history.js';

/** Calls with equal inputs, in the order of their invocations, in which they are taken. */
export interface UnknownGroup<Input, Output> {
  readonly index: number;
  readonly calls: readonly HistoryCall<Input, Output>[];
}

/** How many calls of each group have been taken. Never changed once made. */
export type TakenCounts = Uint32Array;

/** Groups in the order of their first invocations. */
export function groupUnknownCalls<Input, Output>(
  calls: readonly HistoryCall<Input, Output>[],
): readonly UnknownGroup<Input, Output>[] {
  const groups: { index: number; calls: HistoryCall<Input, Output>[] }[] = [];
  const alike = new Map<string, typeof groups>();
  for (const call of calls.toSorted((a, b) => a.invokedAt - b.invokedAt)) {
    // Equal inputs look alike; those that look alike need not be equal.
    const look = inspect(call.input, { depth: 1, sorted: true });
    const candidates = alike.get(look) ?? [];
    alike.set(look, candidates);
    const group = candidates.find((each) => isDeepStrictEqual(each.calls[0]!.input, call.input));
    if (group !== undefined) group.calls.push(call);
    else {
      const added = { index: groups.length, calls: [call] };
      groups.push(added);
      candidates.push(added);
    }
  }
  return groups;
}

/** The counts once one more call of a group is taken. */
export function takenWith(taken: TakenCounts, group: number): TakenCounts {
  const counts = taken.slice();
  counts[group]! += 1;
  return counts;
}

/** Does `a` take no more than `b` of any group? */
export function takesNoMore(a: TakenCounts, b: TakenCounts): boolean {
  return a === b || a.every((count, group) => count <= b[group]!);
}

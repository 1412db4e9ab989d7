/** Histories by hand: each call with its client and the times of its invocation and return. */

import type { HistoryCall } from '../../../../../src/testing/linearizability/history.js';

type Times = readonly [invokedAt: number, returnedAt: number];

export function answered<Input, Output>(
  client: string,
  [invokedAt, returnedAt]: Times,
  input: Input,
  output: Output,
): HistoryCall<Input, Output> {
  return { client, input, invokedAt, returnedAt, outcome: { kind: 'answered', output } };
}

/** Applied in time; what it returned is lost. */
export function applied<Input>(
  client: string,
  [invokedAt, returnedAt]: Times,
  input: Input,
): HistoryCall<Input, never> {
  return { client, input, invokedAt, returnedAt, outcome: { kind: 'applied' } };
}

export function unknown<Input>(client: string, invokedAt: number, input: Input): HistoryCall<Input, never> {
  return { client, input, invokedAt, returnedAt: Infinity, outcome: { kind: 'unknown' } };
}

export function refused<Input>(
  client: string,
  [invokedAt, returnedAt]: Times,
  input: Input,
): HistoryCall<Input, never> {
  return { client, input, invokedAt, returnedAt, outcome: { kind: 'refused' } };
}

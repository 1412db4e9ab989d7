/**
 * What there is to say of a history that no order explains, in words. Only text.
 */

import { inspect } from 'node:util';
import type { HistoryCall } from './history.js';
import type { DeadEnd } from './search.js';
import type { SequentialModel } from './sequential-model.js';

/** Of the order, the last ones are shown, and of what might come next, the first ones. */
const SHOWN_MAX = 20;
/** Values are shown up to a few levels and lines of this many characters. */
const INSPECT = { depth: 4, breakLength: Infinity, maxArrayLength: 20, maxStringLength: 100 } as const;

/** A dead end as text. `callCount` is how many calls there are of this part of the object. */
export function explainDeadEnd<State, Input, Output>(
  model: SequentialModel<State, Input, Output>,
  part: string | null,
  callCount: number,
  { order, state, due, underWay }: DeadEnd<State, Input, Output>,
): string {
  const hidden = Math.max(0, order.length - SHOWN_MAX);
  const next = [
    `The next one to take effect has to be`,
    describeCall(due),
    ...(underWay.length === 0 ? [] : ['or, before it, one of those that are under way,', ...shown(underWay)]),
    'and none of them leads on.',
  ];
  return [
    `No order of the ${callCount} calls of ${nameOf(model, part)} explains what they returned.`,
    ...(order.length === 0
      ? [`At first, the state is ${describeState(model, state)}.`]
      : [
          'The order that comes furthest:',
          ...(hidden > 0 ? [`  (${hidden} more)`] : []),
          ...order.slice(hidden).map(describeCall),
          `after which the state is ${describeState(model, state)}.`,
        ]),
    ...next,
  ].join('\n');
}

/** The object, or the part of it, that is spoken of. */
export function nameOf({ name }: { readonly name: string }, part: string | null): string {
  return part === null ? name : `${name}, ${inspect(part)}`;
}

function shown(calls: readonly HistoryCall<unknown, unknown>[]): string[] {
  const more = calls.length - SHOWN_MAX;
  return [...calls.slice(0, SHOWN_MAX).map(describeCall), ...(more > 0 ? [`  (${more} more)`] : [])];
}

function describeCall({ client, input, invokedAt, returnedAt, outcome }: HistoryCall<unknown, unknown>): string {
  const until = outcome.kind === 'unknown' ? '…' : returnedAt;
  const output = outcome.kind === 'answered' ? inspect(outcome.output, INSPECT) : `? (${outcome.kind})`;
  return `  [${invokedAt}, ${until}] ${client}: ${describeInput(input)} → ${output}`;
}

/** An input that names a method reads like a call of it. */
function describeInput(input: unknown): string {
  if (!Array.isArray(input) || typeof input[0] !== 'string') return inspect(input, INSPECT);
  const [method, ...args] = input as [string, ...unknown[]];
  return `${method}(${args.map((arg) => inspect(arg, INSPECT)).join(', ')})`;
}

function describeState<State>(model: SequentialModel<State, never, never>, state: State): string {
  return model.describe === undefined ? inspect(state, INSPECT) : model.describe(state);
}

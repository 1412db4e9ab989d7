/**
 * The checker's door: judges a history by a model, part by part, within a limit on work. Runs to its end on the thread
 * that calls it.
 */

import { ConclaveError } from '../../errors.js';
import { checkInteger } from '../../node/option-checks.js';
import { explainDeadEnd, nameOf } from './explanation.js';
import type { CallOutcome, HistoryCall } from './history.js';
import { Search } from './search.js';
import type { SequentialModel } from './sequential-model.js';
import type { LinearizabilityVerdict } from './verdict.js';
import { WorkBudget } from './work-budget.js';

/** How a history is checked. */
export interface CheckLinearizableOptions {
  /**
   * How many steps of the model and comparisons of states a check may take before it leaves the history undecided, 1 to
   * 1,000,000,000. Default: 5,000,000, which takes a few seconds, and some hundred megabytes.
   */
  readonly workMax?: number;
}

const WORK_MAX_DEFAULT = 5_000_000;
const WORK_MAX_MAX = 1_000_000_000;

/**
 * Is there an order of these calls that explains everything they returned, in which no call comes before one that had
 * returned before it was invoked? (Herlihy and Wing 1990.) Calls of unknown outcome may be in it or not, refused ones
 * are not. Which calls a history contains is up to you; a part of an object's calls tells nothing, unless they are all
 * those of one part of the model.
 *
 * The question is NP-complete. Histories of many calls are decided quickly where they are right, few calls are under
 * way at a time, and few outcomes are unknown; anything else may end as `undecided`, always after the same amount of
 * work.
 *
 * @throws ConclaveError `ERR_INVALID_OPTION` for a call that ends before it begins or has no such outcome, and a limit
 *   out of range.
 *
 * @example
 * const recorder = new HistoryRecorder<MapInput<number>, MapOutput<number>>();
 * recorder.answered(recorder.call('ann', ['set', 'tea', 3]), undefined);
 * recorder.answered(recorder.call('bob', ['get', 'tea']), undefined);
 *
 * const verdict = checkLinearizable(mapModel<number>(), recorder.calls());
 * if (verdict.kind !== 'linearizable') throw new Error(verdict.explanation);
 */
export function checkLinearizable<State, Input, Output>(
  model: SequentialModel<State, Input, Output>,
  calls: readonly HistoryCall<Input, Output>[],
  options: CheckLinearizableOptions = {},
): LinearizabilityVerdict<Input, Output> {
  const { workMax = WORK_MAX_DEFAULT } = options;
  checkInteger('workMax', workMax, 1, WORK_MAX_MAX);
  calls.forEach(checkCall);
  const budget = new WorkBudget(workMax);
  // Small parts first, so that a large one cannot use up what they need.
  const parts = partsOf(model, calls).toSorted((a, b) => a.calls.length - b.calls.length);
  for (const [i, part] of parts.entries()) {
    const search = new Search(model.foreseeing?.(part.calls) ?? model, part.calls, budget);
    const result = search.run();
    if (result === 'found') continue;
    const work = budget.spent;
    if (result === 'undecided') return { kind: 'undecided', work, explanation: explainLimit(model, parts, i, budget) };
    const deadEnd = search.deadEnd;
    return {
      kind: 'notLinearizable',
      work,
      part: part.name,
      longestPrefix: deadEnd.order,
      unfit: [deadEnd.due, ...deadEnd.underWay],
      explanation: explainDeadEnd(model, part.name, part.calls.length, deadEnd),
    };
  }
  return { kind: 'linearizable', work: budget.spent };
}

/** The calls of one part of an object that may have taken effect. */
interface Part<Input, Output> {
  readonly name: string | null;
  readonly calls: HistoryCall<Input, Output>[];
}

function partsOf<State, Input, Output>(
  model: SequentialModel<State, Input, Output>,
  calls: readonly HistoryCall<Input, Output>[],
): Part<Input, Output>[] {
  const parts = new Map<string | null, Part<Input, Output>>();
  for (const call of calls) {
    if (call.outcome.kind === 'refused') continue;
    const name = model.partOf?.(call.input) ?? null;
    const part = parts.get(name);
    if (part === undefined) parts.set(name, { name, calls: [call] });
    else part.calls.push(call);
  }
  return [...parts.values()];
}

const KINDS: readonly string[] = ['answered', 'applied', 'unknown', 'refused'] satisfies CallOutcome<unknown>['kind'][];

function checkCall({ invokedAt, returnedAt, outcome }: HistoryCall<unknown, unknown>, index: number): void {
  // A history may come from a file: taken for anything else, a misspelt one would make a wrong verdict.
  if (!KINDS.includes(outcome.kind)) {
    throw new ConclaveError(
      'ERR_INVALID_OPTION',
      `calls[${index}] is ${outcome.kind}, and must be one of ${KINDS.join(', ')}.`,
      { data: { option: 'calls', index } },
    );
  }
  const mustReturn = outcome.kind === 'answered' || outcome.kind === 'applied';
  const hasReturned = Number.isFinite(returnedAt) && returnedAt >= invokedAt;
  if (Number.isFinite(invokedAt) && (hasReturned || !mustReturn)) return;
  throw new ConclaveError(
    'ERR_INVALID_OPTION',
    `calls[${index}] is from ${invokedAt} to ${returnedAt}: a call ends after it begins.`,
    { data: { option: 'calls', index } },
  );
}

function explainLimit(
  model: { readonly name: string },
  parts: readonly Part<unknown, unknown>[],
  reached: number,
  { max }: WorkBudget,
): string {
  const { name, calls } = parts[reached]!;
  const unknown = calls.filter(({ outcome }) => outcome.kind === 'unknown').length;
  const left = parts.length - reached - 1;
  return (
    `Undecided after workMax = ${max} steps, at ${nameOf(model, name)}: ${calls.length} calls, ` +
    `${unknown} of them with an unknown outcome${left > 0 ? `, and ${left} parts are not looked at` : ''}.`
  );
}

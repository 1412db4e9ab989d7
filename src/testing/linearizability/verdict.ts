/**
 * What the checker says of a history. Every verdict carries the work that it took, which is the same whenever the same
 * history is judged, on any machine.
 */

import type { HistoryCall } from './history.js';

/** What the checker says of a history. */
export type LinearizabilityVerdict<Input, Output> =
  /** Some order explains everything. */
  | { readonly kind: 'linearizable'; readonly work: number }
  | NotLinearizable<Input, Output>
  /** The limit on work was reached before an order was found, or before all had been tried. */
  | { readonly kind: 'undecided'; readonly work: number; readonly explanation: string };

/** No order explains everything. */
export interface NotLinearizable<Input, Output> {
  readonly kind: 'notLinearizable';
  readonly work: number;
  /** The part of the object at which it shows; null where the model has no parts. */
  readonly part: string | null;
  /** The order that comes furthest, of this part of the object. */
  readonly longestPrefix: readonly HistoryCall<Input, Output>[];
  /** What does not fit behind it: first the call that has to come next, then those that may come before it. */
  readonly unfit: readonly HistoryCall<Input, Output>[];
  /** All of this as text. */
  readonly explanation: string;
}

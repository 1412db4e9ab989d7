/**
 * When the values of a queue leave it, as far as a whole history tells. The order in which values enter a queue shows
 * only when they leave it, which may be a thousand calls later: too late for a search to find out that it has guessed
 * wrong.
 */

import { inspect } from 'node:util';
import type { HistoryCall } from '../history.js';
import type { QueueInput } from './queue-model.js';

/** Of all values that look alike, for they are not told apart. */
interface Stay {
  entered: number;
  left: number;
  /** When the first of them may leave, at the earliest, and when the last one has left, if all do. */
  firstLeavesAt: number;
  allHaveLeftAt: number;
}

export class QueueStays<Value> {
  readonly #stays = new Map<string, Stay>();
  /** When a call of which it is not known what it took out may have taken out anything. */
  #anyLeavesAt = Infinity;

  constructor(calls: readonly HistoryCall<QueueInput<Value>, Value | undefined>[]) {
    for (const { input, outcome, invokedAt, returnedAt } of calls) {
      if (input[0] === 'enqueue') this.#stayOf(input[1]).entered += 1;
      else if (outcome.kind !== 'answered') this.#anyLeavesAt = Math.min(this.#anyLeavesAt, invokedAt);
      else if (outcome.output !== undefined) {
        const stay = this.#stayOf(outcome.output);
        stay.left += 1;
        stay.firstLeavesAt = Math.min(stay.firstLeavesAt, invokedAt);
        stay.allHaveLeftAt = Math.max(stay.allHaveLeftAt, returnedAt);
      }
    }
  }

  /** Has `value` left before `other` may leave, so that it cannot have entered behind it? */
  mustLeaveBefore(value: Value, other: Value): boolean {
    const { entered, left, allHaveLeftAt } = this.#stayOf(value);
    if (left < entered) return false;
    return allHaveLeftAt < Math.min(this.#stayOf(other).firstLeavesAt, this.#anyLeavesAt);
  }

  #stayOf(value: Value): Stay {
    // Equal values look alike.
    const look = typeof value === 'object' ? inspect(value, { sorted: true }) : `${typeof value} ${String(value)}`;
    const known = this.#stays.get(look);
    if (known !== undefined) return known;
    const stay = { entered: 0, left: 0, firstLeavesAt: Infinity, allHaveLeftAt: -Infinity };
    this.#stays.set(look, stay);
    return stay;
  }
}

/**
 * The way that a search has taken: which calls have been put in order, one by one, and what is left. It goes forward,
 * back, and over to any other place where it has been; it does not decide where to.
 */

import { assert } from '../../assert.js';
import type { Configurations } from './configurations.js';
import { EventList, type CallEvent } from './event-list.js';
import type { HistoryCall } from './history.js';
import { OrderedSet } from './ordered-set.js';
import { takenWith, type TakenCounts, type UnknownGroup } from './unknown-calls.js';

/** What may come next. An answered call is known by its invocation, an unknown one by its group. */
export type Candidate<Input, Output> =
  | { readonly kind: 'answered'; readonly event: CallEvent<Input, Output>; readonly call: HistoryCall<Input, Output> }
  | {
      readonly kind: 'unknown';
      readonly group: UnknownGroup<Input, Output>;
      readonly call: HistoryCall<Input, Output>;
    };

/** What there is to know of a place, but for the way to it. */
export interface Position<State> {
  readonly state: State;
  /** The key of the answered calls that have been put in order. */
  readonly ordered: string;
  readonly taken: TakenCounts;
  readonly takenCount: number;
}

/** One call put behind those before it: a place, and the way back. */
export interface Choice<State, Input, Output> {
  /** Null: nothing was before it. */
  readonly previous: Choice<State, Input, Output> | null;
  readonly length: number;
  readonly candidate: Candidate<Input, Output>;
  /** The states to which the call may lead, and which of them was chosen. */
  readonly states: readonly State[];
  readonly chosen: number;
  /** Nothing else need be tried in its place. */
  readonly isForced: boolean;
  readonly before: Position<State>;
  readonly after: Position<State>;
}

export class Trail<State, Input, Output> {
  /** The answered calls that are not in order yet. */
  readonly left: EventList<Input, Output>;
  readonly #ordered: OrderedSet;
  readonly #seen: Configurations<State>;
  #position: Position<State>;
  #last: Choice<State, Input, Output> | null = null;

  constructor(
    initial: State,
    answered: readonly HistoryCall<Input, Output>[],
    groupCount: number,
    seen: Configurations<State>,
  ) {
    this.left = new EventList(answered);
    this.#ordered = new OrderedSet(answered.length);
    this.#seen = seen;
    this.#position = {
      state: initial,
      ordered: this.#ordered.key(0),
      taken: new Uint32Array(groupCount),
      takenCount: 0,
    };
  }

  get position(): Position<State> {
    return this.#position;
  }

  /** The last call that was put in order, if there is one. */
  get last(): Choice<State, Input, Output> | null {
    return this.#last;
  }

  get length(): number {
    return this.#last?.length ?? 0;
  }

  /** Puts a call next, in the first of these states, from `from` on, in which the search has not been. False: none. */
  advance(candidate: Candidate<Input, Output>, states: readonly State[], from = 0, isForced = false): boolean {
    if (from >= states.length) return false;
    const before = this.#position;
    this.#lift(candidate);
    const isUnknown = candidate.kind === 'unknown';
    const ordered = isUnknown ? before.ordered : this.#ordered.key(this.left.first.index);
    const taken = isUnknown ? takenWith(before.taken, candidate.group.index) : before.taken;
    const takenCount = before.takenCount + Number(isUnknown);
    for (let chosen = from; chosen < states.length; chosen++) {
      const state = states[chosen]!;
      if (!this.#seen.add(ordered, state, taken)) continue;
      const after = { state, ordered, taken, takenCount };
      const length = this.length + 1;
      this.#last = { previous: this.#last, length, candidate, states, chosen, isForced, before, after };
      this.#position = after;
      return true;
    }
    this.#unlift(candidate);
    return false;
  }

  /** Takes the last call back, and returns what is undone. */
  back(): Choice<State, Input, Output> {
    const undone = this.#last;
    assert(undone !== null, 'a search goes back to where it has been');
    this.#unlift(undone.candidate);
    this.#last = undone.previous;
    this.#position = undone.before;
    return undone;
  }

  /** Goes to where this was the last call. */
  goTo(place: Choice<State, Input, Output> | null): void {
    const forward: Choice<State, Input, Output>[] = [];
    let target = place;
    while (target !== this.#last) {
      if (this.length > (target?.length ?? 0)) this.back();
      else {
        assert(target !== null, 'the beginning is nowhere but at the beginning');
        forward.push(target);
        target = target.previous;
      }
    }
    for (const choice of forward.reverse()) {
      this.#lift(choice.candidate);
      this.#last = choice;
      this.#position = choice.after;
    }
  }

  #lift(candidate: Candidate<Input, Output>): void {
    if (candidate.kind === 'unknown') return;
    this.left.lift(candidate.event);
    this.#ordered.add(candidate.event.index);
  }

  #unlift(candidate: Candidate<Input, Output>): void {
    if (candidate.kind === 'unknown') return;
    this.left.unlift(candidate.event);
    this.#ordered.remove(candidate.event.index);
  }
}

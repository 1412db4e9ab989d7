/**
 * Looks for an order of the calls of one part of an object that explains what they returned: the search of Wing and
 * Gong (1993) with the memoisation and the linked list of Lowe (2017), and what makes calls with an unknown outcome
 * bearable.
 *
 * - Reads that fit are taken at once: they change nothing, so if any order goes on from here, one with the read first
 *   does.
 * - Unknown calls never have to be taken, and are tried only once the answered calls shortly before the one that is due
 *   have been tried in every order; then where the search has come furthest.
 * - One that would change nothing here, would overwrite all that the unknown call before it has done, or would make
 *   something too late, is not taken.
 * - One is taken as late as possible: not before an answered call that could as well come first.
 */

import { assert } from '../../assert.js';
import { Configurations } from './configurations.js';
import type { CallEvent } from './event-list.js';
import { Frontier, type Unfinished } from './frontier.js';
import type { HistoryCall } from './history.js';
import { UNKNOWN, type SequentialModel } from './sequential-model.js';
import { Trail, type Choice } from './trail.js';
import { groupUnknownCalls, type UnknownGroup } from './unknown-calls.js';
import type { WorkBudget } from './work-budget.js';

/** Where the search got stuck, having come further than anywhere else. */
export interface DeadEnd<State, Input, Output> {
  readonly order: readonly HistoryCall<Input, Output>[];
  readonly state: State;
  /** The call that returns first of those that are left, hence has to come before anything that is invoked later. */
  readonly due: HistoryCall<Input, Output>;
  /** What else might come next, answered and unknown. */
  readonly underWay: readonly HistoryCall<Input, Output>[];
}

/** What came of going on from a place: nothing leads on, or all that does leads to where the search has been. */
type Progress = 'moved' | 'stuck' | 'covered';

/**
 * How far before the call that the search could not get past another order of answered calls is looked for, before
 * unknown calls are. Says only where to look first: less, and unknown calls are tried where they are of no use; more,
 * and orders are.
 */
const LOOK_BACK_EVENTS = 64;

export class Search<State, Input, Output> {
  readonly #model: SequentialModel<State, Input, Output>;
  readonly #budget: WorkBudget;
  readonly #groups: readonly UnknownGroup<Input, Output>[];
  readonly #trail: Trail<State, Input, Output>;
  readonly #frontier = new Frontier<State, Input, Output>();
  /** How far back the answered calls are being tried in every order. */
  #root: Choice<State, Input, Output> | null = null;
  /** The dead end that came furthest: the last call before it, and the return that nothing led past. */
  #furthest: { readonly place: Choice<State, Input, Output> | null; readonly due: CallEvent<Input, Output> } | null =
    null;

  /** `calls` holds no refused ones. */
  constructor(
    model: SequentialModel<State, Input, Output>,
    calls: readonly HistoryCall<Input, Output>[],
    budget: WorkBudget,
  ) {
    this.#model = model;
    this.#budget = budget;
    const answered = calls.filter(({ outcome }) => outcome.kind !== 'unknown');
    // A read that need not have taken effect need not be looked at.
    this.#groups = groupUnknownCalls(
      calls.filter(({ outcome, input }) => outcome.kind === 'unknown' && model.isRead?.(input) !== true),
    );
    const seen = new Configurations<State>(
      (a, b) => this.#isSame(a, b),
      () => budget.spend(),
    );
    this.#trail = new Trail(model.initial, answered, this.#groups.length, seen);
  }

  /** `undecided` means that the budget is exhausted. To be called once. */
  run(): 'found' | 'exhausted' | 'undecided' {
    let undone: Choice<State, Input, Output> | null = null;
    while (!this.#trail.left.isEmpty) {
      if (this.#budget.isExhausted) return 'undecided';
      const progress = undone === null ? this.#goOn() : this.#goOnInPlaceOf(undone);
      if (progress === 'moved') {
        undone = null;
        continue;
      }
      if (undone === null) this.#noteDeadEnd();
      if (progress === 'stuck') this.#postpone({ kind: 'unknown', group: 0 });
      const turn = this.#turnBack();
      if (turn === 'exhausted') return 'exhausted';
      undone = turn === 'moved' ? null : turn;
    }
    return 'found';
  }

  /** The dead end that came furthest. Only once all has been tried. */
  get deadEnd(): DeadEnd<State, Input, Output> {
    assert(this.#furthest !== null, 'a search that has tried everything has come to dead ends');
    const { place, due } = this.#furthest;
    const order: HistoryCall<Input, Output>[] = [];
    for (let choice = place; choice !== null; choice = choice.previous) order.push(choice.candidate.call);
    order.reverse();
    this.#trail.goTo(place);
    const underWay: HistoryCall<Input, Output>[] = [];
    for (let event = this.#trail.left.first; !event.isReturn; event = event.next) {
      if (event !== due.match) underWay.push(event.call);
    }
    const { state, taken } = this.#trail.position;
    for (const { index, calls } of this.#groups) {
      underWay.push(...calls.slice(taken[index]).filter(({ invokedAt }) => invokedAt <= due.time));
    }
    return { order, state, due: due.call, underWay };
  }

  /** Puts an answered call next. `covered`: whatever is possible from here has been tried elsewhere. */
  #goOn(): Progress {
    const { left, position } = this.#trail;
    for (let event = left.first; !event.isReturn; event = event.next) {
      if (!this.#isRead(event) || this.#step(position.state, event).length === 0) continue;
      const read = { kind: 'answered', event, call: event.call } as const;
      return this.#trail.advance(read, [position.state], 0, true) ? 'moved' : 'covered';
    }
    return this.#goOnFrom(left.first);
  }

  /** Puts another answered call in the place of the one that was last. */
  #goOnInPlaceOf({ candidate, states, chosen, isForced }: Choice<State, Input, Output>): Progress {
    if (isForced) return 'covered';
    if (this.#trail.advance(candidate, states, chosen + 1)) return 'moved';
    assert(candidate.kind === 'answered', 'unknown calls are only replaced by way of the frontier');
    return this.#goOnFrom(candidate.event.next);
  }

  /** Puts an answered call next, from this event to the first return. Reads have been tried before. */
  #goOnFrom(first: CallEvent<Input, Output>): Progress {
    for (let event = first; !event.isReturn; event = event.next) {
      if (this.#isRead(event)) continue;
      const states = this.#statesSeeingTheLast(event);
      if (this.#trail.advance({ kind: 'answered', event, call: event.call }, states)) return 'moved';
    }
    return 'stuck';
  }

  /**
   * Goes to another place: back by one, but not further than a short way before the call that the search could not get
   * past; after that to the most promising one. Returns what was undone there, for something else to be put in its
   * place.
   */
  #turnBack(): Choice<State, Input, Output> | 'moved' | 'exhausted' {
    if (this.#trail.last !== this.#root) {
      const undone = this.#trail.back();
      if (!this.#isLongPast()) return undone;
      this.#postpone({ kind: 'answered', undone, root: this.#root });
    }
    for (;;) {
      const next = this.#frontier.take();
      if (next === undefined) return 'exhausted';
      this.#trail.goTo(next.place);
      if (next.rest.kind === 'answered') {
        this.#root = next.rest.root;
        return next.rest.undone;
      }
      if (this.#takeUnknown(next.rest.group)) return 'moved';
    }
  }

  /** Puts an unknown call next, of this group or one after it, and comes back here later for the rest of them. */
  #takeUnknown(first: number): boolean {
    const dueAt = this.#trail.left.firstReturn.time;
    const { taken } = this.#trail.position;
    for (let at = first; at < this.#groups.length; at++) {
      const group = this.#groups[at]!;
      // Groups stand in the order of their first calls.
      if (group.calls[0]!.invokedAt > dueAt) return false;
      const call = group.calls[taken[at]!];
      if (call === undefined || call.invokedAt > dueAt) continue;
      const states = this.#worthwhileStates(call);
      if (!this.#trail.advance({ kind: 'unknown', group, call }, states)) continue;
      this.#root = this.#trail.last;
      this.#trail.back();
      this.#postpone({ kind: 'unknown', group: states.length > 1 ? at : at + 1 });
      this.#trail.goTo(this.#root);
      return true;
    }
    return false;
  }

  /**
   * The states to which an answered call leads. Behind an unknown call, only those to which it would not lead without
   * that one, nor before it.
   */
  #statesSeeingTheLast(event: CallEvent<Input, Output>): readonly State[] {
    const { last, position } = this.#trail;
    const states = this.#step(position.state, event);
    if (states.length === 0 || last?.candidate.kind !== 'unknown') return states;
    const { input } = last.candidate.call;
    const without = this.#step(last.before.state, event);
    const swapped = without.flatMap((state) => this.#stepUnknown(state, input));
    return states.filter((state) => !this.#isAmong(without, state) && !this.#isAmong(swapped, state));
  }

  /** The states to which an unknown call leads that could not be had with fewer unknown calls, and lead on. */
  #worthwhileStates({ input }: HistoryCall<Input, Output>): readonly State[] {
    const {
      last,
      position: { state },
    } = this.#trail;
    const changed = this.#stepUnknown(state, input).filter(
      (next) => !this.#isSame(next, state) && !this.#isTooLate(next),
    );
    if (changed.length === 0 || last?.candidate.kind !== 'unknown') return changed;
    const without = this.#stepUnknown(last.before.state, input);
    return changed.filter((next) => !this.#isAmong(without, next));
  }

  /** Is there a call that can no longer return what it has returned? */
  #isTooLate(state: State): boolean {
    if (this.#model.isTooLate === undefined) return false;
    for (let event = this.#trail.left.first; !event.isReturn; event = event.next) {
      const { input, outcome } = event.call;
      if (outcome.kind === 'answered' && this.#model.isTooLate(state, input, outcome.output)) return true;
    }
    return false;
  }

  /** Comes back to this place later. */
  #postpone(rest: Unfinished<State, Input, Output>['rest']): void {
    const { left, last: place, length, position } = this.#trail;
    const due = left.firstReturn;
    const [first] = this.#groups;
    // Without an unknown call, there is nothing to come back for.
    if (rest.kind === 'unknown' && (first === undefined || first.calls[0]!.invokedAt > due.time)) return;
    this.#frontier.add({ place, rest, due: due.position, takenCount: position.takenCount, length });
  }

  /** Had what is due here returned long before the call was invoked that the search could not get past? */
  #isLongPast(): boolean {
    if (this.#groups.length === 0 || this.#furthest === null) return false;
    return this.#trail.left.firstReturn.position < this.#furthest.due.match.position - LOOK_BACK_EVENTS;
  }

  #noteDeadEnd(): void {
    const { left, last: place } = this.#trail;
    const due = left.firstReturn;
    const known = this.#furthest;
    if (known === null || due.position > known.due.position || (due === known.due && saysMore(place, known.place))) {
      this.#furthest = { place, due };
    }
  }

  #isRead({ call }: CallEvent<Input, Output>): boolean {
    return this.#model.isRead?.(call.input) === true;
  }

  #step(state: State, { call: { input, outcome } }: CallEvent<Input, Output>): readonly State[] {
    this.#budget.spend();
    return this.#model.step(state, input, outcome.kind === 'answered' ? outcome.output : UNKNOWN);
  }

  #stepUnknown(state: State, input: Input): readonly State[] {
    this.#budget.spend();
    return this.#model.step(state, input, UNKNOWN);
  }

  #isAmong(states: readonly State[], state: State): boolean {
    return states.some((other) => this.#isSame(other, state));
  }

  #isSame(a: State, b: State): boolean {
    return this.#model.equals === undefined ? Object.is(a, b) : this.#model.equals(a, b);
  }
}

/** Are more answered calls in order here than there, or as many with fewer unknown ones? */
function saysMore(
  here: Choice<unknown, unknown, unknown> | null,
  there: Choice<unknown, unknown, unknown> | null,
): boolean {
  const [more, less] = [countsOf(here), countsOf(there)];
  return more.answered > less.answered || (more.answered === less.answered && more.unknown < less.unknown);
}

function countsOf(place: Choice<unknown, unknown, unknown> | null): { answered: number; unknown: number } {
  if (place === null) return { answered: 0, unknown: 0 };
  const unknown = place.after.takenCount;
  return { answered: place.length - unknown, unknown };
}

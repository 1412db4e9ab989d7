/**
 * Where a search has been, so that it goes nowhere twice (Lowe's memoisation): a configuration is what has been put in
 * order, whatever the order, and the state that it has led to.
 */

import { takesNoMore, type TakenCounts } from './unknown-calls.js';

interface Configuration<State> {
  readonly state: State;
  readonly taken: TakenCounts;
  readonly older: Configuration<State> | undefined;
}

export class Configurations<State> {
  readonly #equals: (a: State, b: State) => boolean;
  readonly #onComparison: () => void;
  /** By the answered calls that have been put in order. */
  readonly #newest = new Map<string, Configuration<State>>();

  constructor(equals: (a: State, b: State) => boolean, onComparison: () => void) {
    this.#equals = equals;
    this.#onComparison = onComparison;
  }

  /**
   * Adds a configuration. False if there is one from which everything can be reached that can be reached from this one:
   * the same, or one that is the same but for unknown calls that it has not taken, and need not take.
   */
  add(ordered: string, state: State, taken: TakenCounts): boolean {
    const newest = this.#newest.get(ordered);
    for (let known = newest; known !== undefined; known = known.older) {
      this.#onComparison();
      if (takesNoMore(known.taken, taken) && this.#equals(known.state, state)) return false;
    }
    this.#newest.set(ordered, { state, taken, older: newest });
    return true;
  }
}

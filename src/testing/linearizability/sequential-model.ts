/**
 * The port by which the checker knows what an object does when its calls come one after the other. Models are pure:
 * they change no state that they were given, for the search goes back to it.
 */

import type { HistoryCall } from './history.js';

/** In place of the output of a call whose output is not known. */
export const UNKNOWN: unique symbol = Symbol('unknown');

/**
 * What one object does when its calls come one after the other.
 *
 * @example
 * type Input = readonly ['raise', number] | readonly ['highest'];
 *
 * const highestBid: SequentialModel<number, Input, number> = {
 *   name: 'highest bid',
 *   initial: 0,
 *   step: (highest, [method, bid], output) => {
 *     const next = method === 'raise' ? Math.max(highest, bid ?? 0) : highest;
 *     return output === UNKNOWN || output === next ? [next] : [];
 *   },
 *   isRead: ([method]) => method === 'highest',
 * };
 */
export interface SequentialModel<State, Input, Output> {
  /** What is modelled, for explanations. */
  readonly name: string;
  readonly initial: State;
  /**
   * The states in which the object may be after this call: none if the call cannot have returned `output` in this
   * state, and more than one only if the object may choose. Of an output that is {@link UNKNOWN}, anything is true that
   * is true of some output.
   */
  step(state: State, input: Input, output: Output | typeof UNKNOWN): readonly State[];
  /** Are these the same state, from which the same follows? Default: `Object.is`. */
  equals?(a: State, b: State): boolean;
  /**
   * Does a call with this input never change any state? Saves the search a lot; may say false where it does not know.
   */
  isRead?(input: Input): boolean;
  /**
   * Can this call return `output` neither in this state nor in any that may follow it, whatever is called? May say
   * false where it does not know.
   */
  isTooLate?(state: State, input: Input, output: Output): boolean;
  /**
   * The part of the object that a call is about, where calls about different parts know nothing of each other: the key
   * of a map. Each part is then an object by itself, with a history and a state of its own (Herlihy and Wing's
   * locality; Horn and Kroening's P-compositionality).
   */
  partOf?(input: Input): string;
  /**
   * A model that judges this history as this one does, but knows it in advance, and so may refuse at once what could
   * only be refused later.
   */
  foreseeing?(calls: readonly HistoryCall<Input, Output>[]): SequentialModel<State, Input, Output>;
  /** A state in a few words, for explanations. Default: as Node's `inspect` shows it. */
  describe?(state: State): string;
}

/**
 * All agree on which incarnations count, wherever they have it from: their logs, or a snapshot. Remembers what is committed
 * of that, for those who must know whether a voter counts.
 */

import type { Core } from '../../../actors/raft/state.js';
import type { Incarnation, NodeId } from '../../../ids.js';
import type { Checker, CheckerContext, ObservedNode } from './checker.js';

export class AdmittedMembers implements Checker {
  readonly #context: CheckerContext;
  /** What the log says of admissions up to each index, in words. */
  readonly #admitted = new Map<number, string>();
  readonly #looked = new Map<ObservedNode, { readonly core: Core; commitIndex: number }>();
  #current = new Map<NodeId, Incarnation | null>();
  #currentIndex = 0;

  constructor(context: CheckerContext) {
    this.#context = context;
  }

  /** Has anything been committed that admits anybody? */
  get isFounded(): boolean {
    return this.#current.size > 0;
  }

  /** The incarnation in which this voter counts, as far as is committed; null: in none. */
  of(id: NodeId): Incarnation | null {
    return this.#current.get(id) ?? null;
  }

  stepped(node: ObservedNode, core: Core): void {
    const { commitIndex, admissions } = core;
    const looked = this.#looked.get(node);
    if (looked?.core === core && looked.commitIndex === commitIndex) return;
    this.#looked.set(node, { core, commitIndex });
    const admitted = admissions.at(commitIndex);
    // A snapshot leaves out who does not count, for that is the same.
    const words = admitted
      .filter(([, incarnation]) => incarnation !== null)
      .map(([id, incarnation]) => `${id} as ${incarnation}`)
      .toSorted()
      .join();
    const known = this.#admitted.get(commitIndex);
    if (known !== undefined && known !== words) {
      this.#context.report('admissions', `${node.id} admits ${words} at ${commitIndex}, others ${known}`);
    }
    this.#admitted.set(commitIndex, words);
    if (commitIndex < this.#currentIndex) return;
    this.#currentIndex = commitIndex;
    this.#current = new Map(admitted);
  }
}

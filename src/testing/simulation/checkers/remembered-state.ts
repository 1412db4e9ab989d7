/**
 * A node begins each life with what is on its disk: the term that it has known, and its vote in that term (Raft figure
 * 2).
 */

import type { Core } from '../../../actors/raft/state.js';
import type { Checker, CheckerContext, ObservedNode } from './checker.js';

export class RememberedState implements Checker {
  readonly #context: CheckerContext;
  /** Whose first step has been looked at. */
  readonly #begun = new Map<ObservedNode, Core>();

  constructor(context: CheckerContext) {
    this.#context = context;
  }

  stepped(node: ObservedNode, core: Core): void {
    if (this.#begun.get(node) === core) return;
    this.#begun.set(node, core);
    const known = node.durable?.hardState ?? null;
    if (known === null) return;
    const { term, votedFor } = core;
    if (term < known.term) this.#report(node, `term ${term}, and its disk has ${known.term}`);
    else if (term === known.term && known.votedFor !== null && votedFor !== known.votedFor) {
      this.#report(node, `a vote for ${votedFor} in term ${term}, and its disk has one for ${known.votedFor}`);
    }
  }

  #report({ id }: ObservedNode, what: string): void {
    this.#context.report('durability', `${id} begins a life with ${what}`);
  }
}

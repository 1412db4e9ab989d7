/**
 * Leader completeness: whoever is elected has everything that was committed in earlier terms; and leader append-only:
 * it never cuts its log (Raft figure 3).
 */

import type { Core, Leader } from '../../../actors/raft/state.js';
import { logIndex } from '../../../ids.js';
import type { Checker, CheckerContext, ObservedNode } from './checker.js';

export class LeaderCompleteness implements Checker {
  readonly #context: CheckerContext;
  /** Of each node's leadership: its log's end as last seen. */
  readonly #looked = new Map<ObservedNode, { readonly leader: Leader; lastIndex: number }>();

  constructor(context: CheckerContext) {
    this.#context = context;
  }

  stepped(node: ObservedNode, core: Core): void {
    const { role, log } = core;
    if (role.name !== 'leader') return;
    const looked = this.#looked.get(node);
    if (looked?.leader !== role) {
      this.#looked.set(node, { leader: role, lastIndex: log.lastIndex });
      this.#checkCompleteness(node, core);
      return;
    }
    if (log.lastIndex < looked.lastIndex) {
      this.#context.report('leader append-only', `${node.id} leads, and has cut its log to ${log.lastIndex}`);
    }
    looked.lastIndex = log.lastIndex;
  }

  #checkCompleteness({ id }: ObservedNode, { log, term }: Core): void {
    const { history } = this.#context;
    for (let index: number = log.firstIndex; index <= history.committedIndex; index++) {
      const committed = history.committed(index);
      // A candidate of an earlier term may still win its election: nobody will listen to it.
      if (committed === undefined || committed.committedIn > term) continue;
      if (log.termAt(logIndex(index)) === committed.term) continue;
      const what = `${id} was elected in term ${term} without entry ${index}, which was committed`;
      this.#context.report('leader completeness', what);
      return;
    }
  }
}

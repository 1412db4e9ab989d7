/** What a leader takes for matching is, or was, on the peer's disk, unless a later leader has replaced it. */

import type { Core, Leader } from '../../../actors/raft/state.js';
import { logIndex, type NodeId } from '../../../ids.js';
import type { Checker, CheckerContext, ObservedNode } from './checker.js';

export class MatchingPeers implements Checker {
  readonly #context: CheckerContext;
  readonly #matches = new Map<ObservedNode, { readonly leader: Leader; readonly bySession: Map<number, number> }>();

  constructor(context: CheckerContext) {
    this.#context = context;
  }

  stepped(node: ObservedNode, core: Core): void {
    const { role } = core;
    if (role.name !== 'leader') return;
    let known = this.#matches.get(node);
    if (known?.leader !== role) {
      known = { leader: role, bySession: new Map() };
      this.#matches.set(node, known);
    }
    for (const { id, session, matchIndex } of role.peers.values()) {
      if (matchIndex === 0 || known.bySession.get(session) === matchIndex) continue;
      known.bySession.set(session, matchIndex);
      this.#check(node, core, id, matchIndex);
    }
  }

  #check({ id }: ObservedNode, { log, term }: Core, peer: NodeId, matchIndex: number): void {
    const own = log.termAt(logIndex(matchIndex));
    const node = this.#context.nodes.get(peer);
    // Of an observer that keeps nothing, nothing is known.
    if (own === null || node === undefined || node.durable === null) return;
    const isTrue = [node.durable, ...node.lost].some(
      (memory) => memory.has(matchIndex, own) || (memory.hardState?.term ?? 0) > term,
    );
    if (isTrue) return;
    this.#context.report('replication', `${id} takes ${peer} to match at ${matchIndex}, and it does not`);
  }
}

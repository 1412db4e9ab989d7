/**
 * What a leader takes for matching is, or was, on the disk of the peer in the incarnation that the leader knows, unless
 * a later leader has replaced it: what a former incarnation had is lost.
 */

import type { Core, Leader } from '../../../actors/raft/state.js';
import { logIndex, type Incarnation, type NodeId } from '../../../ids.js';
import type { Checker, CheckerContext, ObservedNode } from './checker.js';

/** Of one tracking of a peer: what was checked last, and for which incarnation. */
interface Checked {
  incarnation: Incarnation;
  matchIndex: number;
}

export class MatchingPeers implements Checker {
  readonly #context: CheckerContext;
  readonly #matches = new Map<ObservedNode, { readonly leader: Leader; readonly bySession: Map<number, Checked> }>();

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
      if (matchIndex === 0) continue;
      const incarnation = core.incarnations.get(id);
      if (incarnation === undefined) continue;
      const checked = known.bySession.get(session);
      if (checked?.matchIndex === matchIndex && checked.incarnation === incarnation) continue;
      known.bySession.set(session, { incarnation, matchIndex });
      this.#check(node, core, id, incarnation, matchIndex);
    }
  }

  #check({ id }: ObservedNode, { log, term }: Core, peer: NodeId, incarnation: Incarnation, matchIndex: number): void {
    const own = log.termAt(logIndex(matchIndex));
    const node = this.#context.nodes.get(peer);
    // Of an observer that keeps nothing, nothing is known.
    if (own === null || node === undefined || node.durable === null) return;
    const memory = [node.durable, ...node.lost].find((each) => each.incarnation === incarnation);
    const isTrue = memory?.has(matchIndex, own) === true || (memory?.hardState?.term ?? 0) > term;
    if (isTrue) return;
    this.#context.report('replication', `${id} takes ${peer} to match at ${matchIndex}, and it does not`);
  }
}

/**
 * What never goes down in one life of a node (term, commit index, what is applied, what a leader knows of a peer) does
 * not; and a leader never sends what it knows to be there: matchIndex < nextIndex.
 */

import type { Core, Leader } from '../../../actors/raft/state.js';
import type { Checker, CheckerContext, ObservedNode } from './checker.js';

interface Known {
  readonly core: Core;
  term: number;
  commitIndex: number;
  lastApplied: number;
  leader: Leader | null;
  /** By the leader's tracking of a peer. */
  matches: Map<number, number>;
}

export class NeverDown implements Checker {
  readonly #context: CheckerContext;
  readonly #known = new Map<ObservedNode, Known>();

  constructor(context: CheckerContext) {
    this.#context = context;
  }

  stepped(node: ObservedNode, core: Core): void {
    const { term, commitIndex, lastApplied, role } = core;
    let known = this.#known.get(node);
    if (known?.core !== core) {
      known = { core, term: 0, commitIndex: 0, lastApplied: 0, leader: null, matches: new Map() };
      this.#known.set(node, known);
    }
    if (term < known.term) this.#report(node, `the term went down from ${known.term} to ${term}`);
    if (commitIndex < known.commitIndex) {
      this.#report(node, `the commit index went down from ${known.commitIndex} to ${commitIndex}`);
    }
    if (lastApplied < known.lastApplied) {
      this.#report(node, `what is applied went down from ${known.lastApplied} to ${lastApplied}`);
    }
    known.term = term;
    known.commitIndex = commitIndex;
    known.lastApplied = lastApplied;
    if (role.name === 'leader') this.#checkPeers(node, role, known);
  }

  #checkPeers(node: ObservedNode, leader: Leader, known: Known): void {
    if (known.leader !== leader) {
      known.leader = leader;
      known.matches = new Map();
    }
    for (const { id, session, matchIndex, nextIndex } of leader.peers.values()) {
      const before = known.matches.get(session) ?? 0;
      if (matchIndex < before) this.#report(node, `the match of ${id} went down from ${before} to ${matchIndex}`);
      if (matchIndex !== before) known.matches.set(session, matchIndex);
      if (nextIndex <= matchIndex) this.#report(node, `would send ${nextIndex} to ${id}, which has ${matchIndex}`);
    }
  }

  #report({ id }: ObservedNode, what: string): void {
    this.#context.report('monotonicity', `${id}: ${what}`);
  }
}

/**
 * What a leader makes of a reply: only one that was sent in its own term, and to the tracking of the peer that it
 * answers to, tells it anything (Raft §5.1); an earlier one may speak of a log that has been replaced since.
 */

import type { AppendEntriesReply, InstallSnapshotReply, RaftMessage } from '../../../actors/raft/messages.js';
import type { Core, Leader } from '../../../actors/raft/state.js';
import type { NodeId } from '../../../ids.js';
import type { Checker, CheckerContext, ObservedNode } from './checker.js';

interface Counted {
  readonly matchIndex: number;
  readonly ackedRound: number;
  readonly ackedAtMs: number;
}

export class CountedReplies implements Checker {
  readonly #context: CheckerContext;
  readonly #leaders = new Map<ObservedNode, { readonly role: Leader; readonly counted: Map<NodeId, Counted> }>();

  constructor(context: CheckerContext) {
    this.#context = context;
  }

  stepped(node: ObservedNode, { role, term }: Core, message: RaftMessage): void {
    if (role.name !== 'leader') return;
    let leader = this.#leaders.get(node);
    if (leader?.role !== role) {
      leader = { role, counted: new Map() };
      this.#leaders.set(node, leader);
    }
    if (message.type === 'appendEntriesReply' || message.type === 'installSnapshotReply') {
      this.#check(node, role, term, message, leader.counted.get(message.from));
    }
    for (const { id, matchIndex, ackedRound, ackedAtMs } of role.peers.values()) {
      const known = leader.counted.get(id);
      if (known?.ackedAtMs === ackedAtMs && known.matchIndex === matchIndex && known.ackedRound === ackedRound)
        continue;
      leader.counted.set(id, { matchIndex, ackedRound, ackedAtMs });
    }
  }

  #check(
    { id }: ObservedNode,
    { peers }: Leader,
    term: number,
    { from, term: ofTerm, session }: AppendEntriesReply | InstallSnapshotReply,
    before: Counted | undefined,
  ): void {
    const peer = peers.get(from);
    if (peer === undefined || (ofTerm === term && session === peer.session)) return;
    const isCounted =
      peer.matchIndex !== (before?.matchIndex ?? 0) ||
      peer.ackedRound !== (before?.ackedRound ?? 0) ||
      peer.ackedAtMs !== (before?.ackedAtMs ?? -Infinity);
    if (!isCounted) return;
    const what = `${id} counts in term ${term} what ${from} has answered to another question, in term ${ofTerm}`;
    this.#context.report('acknowledgements', what);
  }
}

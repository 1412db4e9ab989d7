/**
 * Nothing is said before it is true: terms, votes and acknowledgements are on the sender's disk before they are sent
 * (Raft figure 2), and nobody votes twice in a term, whatever it has forgotten.
 */

import type { Core } from '../../../actors/raft/state.js';
import { logIndex, type NodeId } from '../../../ids.js';
import type { NodeMessage } from '../../../net/transport.js';
import type { DurableLog } from '../durable-log.js';
import type { Checker, CheckerContext, ObservedNode } from './checker.js';

export class DurableBeforeSent implements Checker {
  readonly #context: CheckerContext;
  /** By incarnation and term. */
  readonly #votes = new Map<string, NodeId>();

  constructor(context: CheckerContext) {
    this.#context = context;
  }

  sent(node: ObservedNode, to: NodeId, message: NodeMessage): void {
    const { durable, core } = node;
    if (durable === null || core === null || !('term' in message)) return;
    const durableTerm = durable.hardState?.term ?? 0;
    switch (message.type) {
      case 'requestVote':
        return this.#checkVote(node, durable, message.term, node.id);
      case 'requestVoteReply':
        if (message.voteGranted) this.#checkVote(node, durable, message.term, to);
        return;
      case 'appendEntries':
        if (durableTerm < message.term) this.#report(node, `leads in term ${message.term}`);
        return;
      case 'appendEntriesReply':
        if (durableTerm < message.term) this.#report(node, `answers in term ${message.term}`);
        else if (message.success) this.#checkAcknowledgement(node, durable, to, message.term, message.matchIndex);
        return;
      case 'installSnapshotReply':
        if (durable.lastIndex < message.lastIncludedIndex) {
          this.#report(node, `acknowledges a snapshot up to ${message.lastIncludedIndex}`);
        }
        return;
      default:
    }
  }

  #checkVote(node: ObservedNode, { hardState, incarnation }: DurableLog, term: number, candidate: NodeId): void {
    const known: number = hardState?.term ?? 0;
    if (known < term || (known === term && hardState?.votedFor !== candidate)) {
      this.#report(node, `votes for ${candidate} in term ${term}`);
    }
    const key = `${incarnation} ${term}`;
    const earlier = this.#votes.get(key);
    if (earlier !== undefined && earlier !== candidate) {
      this.#context.report('votes', `${node.id} votes for ${earlier} and for ${candidate} in term ${term}`);
    }
    this.#votes.set(key, candidate);
  }

  #checkAcknowledgement(node: ObservedNode, durable: DurableLog, to: NodeId, term: number, matchIndex: number): void {
    // A later leader may have replaced it while the acknowledgement waited for the disk.
    if ((durable.hardState?.term ?? 0) > term) return;
    if (durable.lastIndex < matchIndex) return this.#report(node, `acknowledges ${matchIndex}`);
    const leader = this.#leaderOf(to, term);
    const expected = leader?.log.termAt(logIndex(matchIndex)) ?? null;
    if (expected === null || durable.has(matchIndex, expected)) return;
    this.#report(node, `acknowledges ${matchIndex} of term ${expected}, and has another entry there`);
  }

  #leaderOf(id: NodeId, term: number): Core | null {
    const core = this.#context.nodes.get(id)?.core ?? null;
    const ofTerm: number = core?.term ?? 0;
    return core?.role.name === 'leader' && ofTerm === term ? core : null;
  }

  #report({ id }: ObservedNode, what: string): void {
    this.#context.report('durable before sent', `${id} ${what}, and that is not durable`);
  }
}

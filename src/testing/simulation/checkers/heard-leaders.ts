/**
 * Whoever has heard from a leader, or has just started, votes for nobody else for the shortest election timeout, unless
 * the leader has asked for that (Raft thesis §6.2, §3.10): which is what a lease rests on. By true time, in which a
 * timeout is over soonest for the fastest clock.
 */

import type { RaftMessage, RequestVote } from '../../../actors/raft/messages.js';
import type { Core } from '../../../actors/raft/state.js';
import type { NodeId } from '../../../ids.js';
import type { Checker, CheckerContext, ObservedNode } from './checker.js';
import { CLOCK_RATE_MAX } from './clocks.js';

interface Known {
  readonly core: Core;
  heardAtMs: number;
  term: number;
  votedFor: NodeId | null;
}

export class HeardLeaders implements Checker {
  readonly #context: CheckerContext;
  readonly #known = new Map<ObservedNode, Known>();

  constructor(context: CheckerContext) {
    this.#context = context;
  }

  stepped(node: ObservedNode, core: Core, message: RaftMessage): void {
    const { term, votedFor } = core;
    let known = this.#known.get(node);
    if (known?.core !== core) {
      known = { core, heardAtMs: node.openedAtMs, term, votedFor };
      this.#known.set(node, known);
    }
    if (message.type === 'requestVote') this.#checkVote(node, core, message, known);
    known.term = term;
    known.votedFor = votedFor;
    const isFromLeader = message.type === 'appendEntries' || message.type === 'installSnapshot';
    if (isFromLeader && message.term === term && core.leader === message.from) known.heardAtMs = this.#context.nowMs();
  }

  #checkVote({ id }: ObservedNode, core: Core, { from, leadershipTransfer }: RequestVote, known: Known): void {
    const { term, votedFor, options } = core;
    const hasVoted = votedFor === from && (known.term !== term || known.votedFor !== from);
    const sinceMs = this.#context.nowMs() - known.heardAtMs;
    if (!hasVoted || leadershipTransfer || sinceMs >= options.electionTimeoutMs[0] / CLOCK_RATE_MAX) return;
    const what = `${id} votes for ${from} in term ${term}, ${sinceMs} ms after it heard from a leader or started`;
    this.#context.report('votes', what);
  }
}

/**
 * Election safety: a term has one leader at most (Raft figure 3), elected by a quorum of those whom its own log admits,
 * or, to found a cluster, by all. Takes the votes from what was sent.
 */

import type { RaftMessage } from '../../../actors/raft/messages.js';
import type { Core, Leader } from '../../../actors/raft/state.js';
import type { Incarnation, NodeId } from '../../../ids.js';
import type { NodeMessage } from '../../../net/transport.js';
import type { Checker, CheckerContext, ObservedNode } from './checker.js';

export class ElectionSafety implements Checker {
  readonly #context: CheckerContext;
  readonly #leaders = new Map<number, NodeId>();
  /** The record of each node's leadership that has been looked at. */
  readonly #looked = new Map<ObservedNode, Leader>();
  /** By term and candidate: who has voted for it, and in which incarnation. */
  readonly #ballots = new Map<string, Map<NodeId, Incarnation>>();

  constructor(context: CheckerContext) {
    this.#context = context;
  }

  sent(node: ObservedNode, to: NodeId, message: NodeMessage): void {
    if (message.type === 'requestVote') this.#voted(node, message.term, node.id);
    else if (message.type === 'requestVoteReply' && message.voteGranted) this.#voted(node, message.term, to);
  }

  stepped(node: ObservedNode, core: Core, _message: RaftMessage): void {
    const { role, term } = core;
    if (role.name !== 'leader' || this.#looked.get(node) === role) return;
    this.#looked.set(node, role);
    const other = this.#leaders.get(term);
    if (other !== undefined) {
      this.#context.report('election safety', `${other} and ${node.id} were both elected in term ${term}`);
    }
    this.#leaders.set(term, node.id);
    this.#checkElection(node, core, role);
  }

  #voted({ id, core }: ObservedNode, term: number, candidate: NodeId): void {
    if (core === null) return;
    const key = `${term} ${candidate}`;
    const ballot = this.#ballots.get(key) ?? new Map<NodeId, Incarnation>();
    this.#ballots.set(key, ballot.set(id, core.options.incarnation));
  }

  #checkElection({ id }: ObservedNode, core: Core, { noopIndex }: Leader): void {
    const { term, options } = core;
    const { configurations } = this.#context.history;
    const before = configurations.at(core, noopIndex - 1);
    // The founders are admitted by the entry that this leader begins with.
    const inEffect = before ?? configurations.at(core, noopIndex);
    const ballot = new Map(this.#ballots.get(`${term} ${id}`)).set(id, options.incarnation);
    const electors = inEffect?.electors ?? [];
    const counted = electors.filter((each) => ballot.has(each) && ballot.get(each) === inEffect!.admitted.get(each));
    const isElected = before === null ? counted.length === electors.length : before.isQuorum(new Set(counted));
    if (inEffect !== null && isElected) return;
    this.#context.report('election safety', `${id} leads term ${term}, elected by ${counted.join() || 'nobody'} only`);
  }
}

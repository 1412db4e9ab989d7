/**
 * Nobody campaigns, and so moves others to a new term, who has not been promised the votes of a quorum for that very
 * campaign (Raft thesis §9.6), unless its leader has told it to. Takes the promises from what was sent.
 */

import type { RaftMessage } from '../../../actors/raft/messages.js';
import type { Core } from '../../../actors/raft/state.js';
import type { NodeId } from '../../../ids.js';
import type { NodeMessage } from '../../../net/transport.js';
import type { Checker, CheckerContext, ObservedNode } from './checker.js';

export class PromisedCampaigns implements Checker {
  readonly #context: CheckerContext;
  /** By candidate and term: who has promised to vote for it, by name and incarnation. */
  readonly #promises = new Map<string, Set<string>>();
  /** The last campaign of each node that was looked at. */
  readonly #looked = new Map<ObservedNode, { readonly core: Core; readonly term: number }>();

  constructor(context: CheckerContext) {
    this.#context = context;
  }

  sent({ id, core }: ObservedNode, to: NodeId, message: NodeMessage): void {
    if (core === null || message.type !== 'requestPreVoteReply' || !message.voteGranted) return;
    const key = `${to} ${message.campaignTerm}`;
    const promises = this.#promises.get(key) ?? new Set<string>();
    this.#promises.set(key, promises.add(`${id} as ${core.options.incarnation}`));
  }

  stepped(node: ObservedNode, core: Core, message: RaftMessage): void {
    const { role, term, log } = core;
    if (role.name !== 'candidate') return;
    const looked = this.#looked.get(node);
    if (looked?.core === core && looked.term === term) return;
    this.#looked.set(node, { core, term });
    if (message.type === 'timeoutNow') return;
    const inEffect = this.#context.history.configurations.at(core, log.lastIndex);
    // Where there is no cluster, nobody is disturbed.
    if (inEffect === null) return;
    const { electors, admitted } = inEffect;
    const promises = this.#promises.get(`${node.id} ${term}`);
    const who = electors.filter((id) => id === node.id || promises?.has(`${id} as ${admitted.get(id)}`) === true);
    if (inEffect.isQuorum(new Set(who))) return;
    this.#context.report('campaigns', `${node.id} campaigns for term ${term}, promised by ${who.join()} only`);
  }
}

/**
 * What is committed is durable on the disks of a commit quorum of those whom the log admits, whoever has lost its disk
 * since; and only what is of a leader's own term is committed by counting (Raft §5.4.2).
 */

import type { RaftMessage } from '../../../actors/raft/messages.js';
import type { Core } from '../../../actors/raft/state.js';
import type { NodeId } from '../../../ids.js';
import type { Checker, CheckerContext, ObservedNode } from './checker.js';

export class CommitQuorum implements Checker {
  readonly #context: CheckerContext;
  readonly #commits = new Map<ObservedNode, { readonly core: Core; index: number }>();

  constructor(context: CheckerContext) {
    this.#context = context;
    context.history.onCommitted = (node, core, index, term) => this.#onCommitted(node, core, index, term);
  }

  stepped(node: ObservedNode, core: Core, message: RaftMessage): void {
    const known = this.#commits.get(node);
    const { commitIndex, log, term } = core;
    if (known?.core !== core) {
      this.#commits.set(node, { core, index: commitIndex });
      return;
    }
    if (commitIndex === known.index) return;
    known.index = commitIndex;
    // What is in a snapshot was committed by whoever took it.
    if (message.type === 'snapshotInstalled') return;
    if (core.role.name === 'leader' && log.termAt(commitIndex) !== term) {
      this.#context.report('commitment', `${node.id} commits ${commitIndex} by counting, which is of an earlier term`);
    }
  }

  #onCommitted({ id }: ObservedNode, { admissions }: Core, index: number, term: number): void {
    const { nodes, configuration } = this.#context;
    const holders = new Set<NodeId>();
    for (const node of nodes.values()) {
      // Who counts is what the log says last, committed or not (thesis §4.1).
      const admitted = admissions.of(node.id);
      const memory = [node.durable, ...node.lost].find((each) => each?.incarnation === admitted);
      if (memory?.has(index, term) === true) holders.add(node.id);
    }
    if (configuration.quorum.isCommitQuorum(holders)) return;
    const where = [...holders].join() || 'no disk';
    this.#context.report('commitment', `${id} takes ${index} of term ${term} for committed, durable on ${where} only`);
  }
}

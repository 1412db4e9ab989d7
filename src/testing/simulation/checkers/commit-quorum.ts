/**
 * What is committed is durable on the disks of a commit quorum of those whom the log admits, whoever has lost its disk
 * since; and only what is of a leader's own term is committed by counting (Raft §5.4.2).
 */

import type { RaftMessage } from '../../../actors/raft/messages.js';
import type { Core } from '../../../actors/raft/state.js';
import type { NodeId } from '../../../ids.js';
import type { Checker, CheckerContext, ObservedNode } from './checker.js';
import type { StatedConfiguration } from './stated-configuration.js';

export class CommitQuorum implements Checker {
  readonly #context: CheckerContext;
  readonly #commits = new Map<ObservedNode, { readonly core: Core; index: number }>();

  constructor(context: CheckerContext) {
    this.#context = context;
    context.history.whenCommitted((node, core, entry) => this.#onCommitted(node, core, entry));
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

  #onCommitted(
    { id }: ObservedNode,
    core: Core,
    { index, term, lastIndexBefore }: { index: number; term: number; lastIndexBefore: number },
  ): void {
    const { configurations } = this.#context.history;
    // Who counts is what the log says last, committed or not (thesis §4.1); one step may commit, and then append the
    // next.
    const inEffect = [lastIndexBefore, core.log.lastIndex].map((last) => configurations.at(core, last));
    if (inEffect.some((each) => each !== null && each.isQuorum(this.#holders(each, index, term)))) return;
    const where = inEffect.map((each) => (each === null ? '' : [...this.#holders(each, index, term)].join()));
    const disks = where.find((each) => each !== '') ?? 'no disk';
    this.#context.report('commitment', `${id} takes ${index} of term ${term} for committed, durable on ${disks} only`);
  }

  /** Who has it on its disk, or had it in the incarnation that counts. */
  #holders({ admitted }: StatedConfiguration, index: number, term: number): Set<NodeId> {
    const holders = new Set<NodeId>();
    for (const node of this.#context.nodes.values()) {
      const memory = [node.durable, ...node.lost].find(
        (each) => each !== null && each.incarnation === admitted.get(node.id),
      );
      if (memory?.has(index, term) === true) holders.add(node.id);
    }
    return holders;
  }
}

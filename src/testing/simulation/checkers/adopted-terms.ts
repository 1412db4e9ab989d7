/**
 * A node goes to another term at the word of those who lead, or stand for election in a way that may succeed. What
 * means the same in any term moves nobody: whoever says it may be alone in its own, and nobody would be led there.
 */

import type { RaftMessage } from '../../../actors/raft/messages.js';
import type { Core } from '../../../actors/raft/state.js';
import type { Checker, CheckerContext, ObservedNode } from './checker.js';

const MOVES_NOBODY: ReadonlySet<RaftMessage['type']> = new Set<RaftMessage['type']>([
  'requestPreVote',
  'changeReply',
  'versionReply',
  'transferReply',
  'membersKnown',
]);

export class AdoptedTerms implements Checker {
  readonly #context: CheckerContext;
  readonly #terms = new Map<ObservedNode, number>();

  constructor(context: CheckerContext) {
    this.#context = context;
  }

  restarted(node: ObservedNode): void {
    this.#terms.delete(node);
  }

  stepped(node: ObservedNode, { term }: Core, { type }: RaftMessage): void {
    const before = this.#terms.get(node);
    if (before === term) return;
    this.#terms.set(node, term);
    if (before === undefined || !MOVES_NOBODY.has(type)) return;
    this.#context.report('terms', `${node.id} goes from term ${before} to ${term} at a ${type}, which is no leader's`);
  }
}

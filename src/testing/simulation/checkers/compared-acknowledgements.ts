/**
 * A follower acknowledges what the leader has compared with its log, and what is committed, no more: what it has behind
 * that may be of an earlier leader (Raft §5.3).
 */

import type { RaftMessage } from '../../../actors/raft/messages.js';
import type { Core } from '../../../actors/raft/state.js';
import { EntryReader } from '../../../actors/raft/entry.js';
import type { NodeId } from '../../../ids.js';
import type { NodeMessage } from '../../../net/transport.js';
import type { Checker, CheckerContext, ObservedNode } from './checker.js';

export class ComparedAcknowledgements implements Checker {
  readonly #context: CheckerContext;
  /** By term, leader and its tracking of the node: the last index that was compared. */
  readonly #compared = new Map<ObservedNode, Map<string, number>>();
  readonly #reader = new EntryReader();

  constructor(context: CheckerContext) {
    this.#context = context;
  }

  restarted(node: ObservedNode): void {
    this.#compared.delete(node);
  }

  stepped(node: ObservedNode, { term }: Core, message: RaftMessage): void {
    if (message.type !== 'appendEntries' || message.term !== term) return;
    const { from, session, prevLogIndex, entries } = message;
    let lastIndex: number = prevLogIndex;
    this.#reader.reset(entries);
    while (this.#reader.next()) lastIndex = this.#reader.index;
    let compared = this.#compared.get(node);
    if (compared === undefined) this.#compared.set(node, (compared = new Map()));
    const key = keyOf(term, from, session);
    compared.set(key, Math.max(lastIndex, compared.get(key) ?? 0));
  }

  sent(node: ObservedNode, to: NodeId, message: NodeMessage): void {
    if (message.type !== 'appendEntriesReply' || !message.success || node.core === null) return;
    const { term, session, matchIndex } = message;
    const compared = this.#compared.get(node)?.get(keyOf(term, to, session)) ?? 0;
    if (matchIndex <= Math.max(compared, node.core.commitIndex)) return;
    const what = `${node.id} acknowledges ${matchIndex}, and ${to} has compared ${compared} only`;
    this.#context.report('acknowledgements', what);
  }
}

function keyOf(term: number, leader: NodeId, session: number): string {
  return `${term} ${leader} ${session}`;
}

/**
 * A read that asks consensus sees everything that was committed, by anybody, before it was made (Raft thesis §6.4): a
 * leader that has been deposed and does not know it must not answer, whether it asks a quorum or goes by its lease.
 */

import type { RaftMessage } from '../../../actors/raft/messages.js';
import type { Core } from '../../../actors/raft/state.js';
import type { Checker, CheckerContext, ObservedNode } from './checker.js';

export class FreshReads implements Checker {
  readonly #context: CheckerContext;
  /** By read, of the present life of each node: what was committed when it was made. */
  readonly #waiting = new Map<ObservedNode, Map<number, number>>();

  constructor(context: CheckerContext) {
    this.#context = context;
  }

  restarted(node: ObservedNode): void {
    this.#waiting.delete(node);
  }

  stepped(node: ObservedNode, { effects }: Core, message: RaftMessage): void {
    if (message.type === 'read') this.#readsOf(node).set(message.readId, this.#context.history.committedIndex);
    for (const effect of effects) {
      if (effect.type === 'readReady') this.#check(node, effect.readIds, effect.index);
    }
  }

  /** Effects are seen at each step until they are carried out, and checked once. */
  #check(node: ObservedNode, readIds: readonly number[], index: number): void {
    const reads = this.#readsOf(node);
    for (const readId of readIds) {
      const committed = reads.get(readId);
      if (committed === undefined) continue;
      reads.delete(readId);
      if (index >= committed) continue;
      this.#context.report(
        'fresh reads',
        `${node.id} reads at ${index}, and ${committed} was committed before it asked`,
      );
    }
  }

  #readsOf(node: ObservedNode): Map<number, number> {
    let reads = this.#waiting.get(node);
    if (reads === undefined) this.#waiting.set(node, (reads = new Map()));
    return reads;
  }
}

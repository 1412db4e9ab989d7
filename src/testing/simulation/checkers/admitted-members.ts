/**
 * All agree on who belongs to the cluster and which incarnations count, wherever they have it from: their logs, or a
 * snapshot. Remembers what is committed of that, for those who must know whether a voter counts.
 */

import type { Core } from '../../../actors/raft/state.js';
import type { Incarnation, NodeId } from '../../../ids.js';
import { believedWords } from './believed-words.js';
import type { Checker, CheckerContext, ObservedNode } from './checker.js';
import type { StatedConfiguration } from './stated-configuration.js';

interface CommittedConfiguration {
  readonly knownAt: number;
  readonly configuration: StatedConfiguration;
}

export class AdmittedMembers implements Checker {
  readonly #context: CheckerContext;
  readonly #looked = new Map<ObservedNode, { readonly core: Core; commitIndex: number }>();
  #current: StatedConfiguration | null = null;
  #currentIndex = 0;
  /**
   * All that were ever committed, as far as a node was seen to know of each, and up to where that node had committed
   * then.
   */
  readonly #committed: CommittedConfiguration[] = [];

  constructor(context: CheckerContext) {
    this.#context = context;
  }

  /** Has anything been committed that says who the members are? */
  get isFounded(): boolean {
    return this.#current !== null;
  }

  /** The last one that was committed; null: there is no cluster. */
  get current(): StatedConfiguration | null {
    return this.#current;
  }

  /** Everything is committed up to here, at least. */
  get committedIndex(): number {
    return this.#currentIndex;
  }

  /** Those that were in effect at any time since `index` was committed, the oldest first. */
  since(index: number): readonly StatedConfiguration[] {
    const first = this.#committed.findLastIndex(({ knownAt }) => knownAt <= index);
    return this.#committed.slice(Math.max(0, first)).map(({ configuration }) => configuration);
  }

  /** The last one that is committed, and all that might be yet. */
  get possible(): readonly StatedConfiguration[] {
    const open = this.#context.history.configurations.behind(this.#currentIndex);
    return this.#current === null ? open : [this.#current, ...open];
  }

  /** The incarnation in which this voter counts, as far as is committed; null: in none. */
  of(id: NodeId): Incarnation | null {
    return this.#current?.admitted.get(id) ?? null;
  }

  stepped(node: ObservedNode, core: Core): void {
    const { commitIndex, configurations } = core;
    const looked = this.#looked.get(node);
    if (looked?.core === core && looked.commitIndex === commitIndex) return;
    this.#looked.set(node, { core, commitIndex });
    const stated = this.#context.history.configurations.at(core, commitIndex);
    const believed = configurations.at(commitIndex);
    const words = believed === null ? 'nobody' : believedWords(believed);
    const said = stated?.words ?? 'nobody';
    if (words !== said) {
      this.#context.report('members', `${node.id} believes in ${words} at ${commitIndex}, and the log says ${said}`);
    }
    if (commitIndex < this.#currentIndex) return;
    this.#currentIndex = commitIndex;
    if (stated !== null && stated !== this.#current) {
      this.#committed.push({ knownAt: commitIndex, configuration: stated });
    }
    this.#current = stated;
  }
}

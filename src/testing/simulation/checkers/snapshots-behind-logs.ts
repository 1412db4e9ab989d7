/**
 * What a node drops from its log is in a snapshot on its disk that a loss of power leaves as it is, content and name
 * (Raft §7). And what the log begins behind then is what was committed there.
 */

import type { Core } from '../../../actors/raft/state.js';
import { logIndex } from '../../../ids.js';
import type { Checker, CheckerContext, ObservedNode } from './checker.js';

/** The name of a snapshot begins with its last index. */
const NAME = /\/(\d{16})-\d+-[0-9a-f]+\.snapshot$/;

export class SnapshotsBehindLogs implements Checker {
  readonly #context: CheckerContext;
  readonly #begins = new Map<ObservedNode, { readonly core: Core; readonly firstIndex: number }>();

  constructor(context: CheckerContext) {
    this.#context = context;
  }

  stepped(node: ObservedNode, core: Core): void {
    const { log } = core;
    const { firstIndex } = log;
    const known = this.#begins.get(node);
    if (known?.core === core && known.firstIndex === firstIndex) return;
    this.#begins.set(node, { core, firstIndex });
    const droppedIndex = firstIndex - 1;
    if (droppedIndex === 0) return;
    const expected = this.#context.history.committed(droppedIndex)?.term;
    const term = log.termAt(logIndex(droppedIndex));
    if (term !== expected) {
      const what = `the log of ${node.id} begins behind ${droppedIndex} of term ${term}, committed was that of term ${expected}`;
      this.#context.report('state machine safety', what);
    }
    if (node.place === null || node.place.isRotten || node.place.disk.crash !== null) return;
    const isThere = node.place.disk.durableFiles().some((path) => Number(NAME.exec(path)?.[1] ?? -1) >= droppedIndex);
    if (isThere) return;
    this.#context.report(
      'durability',
      `${node.id} drops its log up to ${droppedIndex}, and no durable snapshot has that`,
    );
  }
}

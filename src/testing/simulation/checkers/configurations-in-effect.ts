/**
 * Which configuration a node goes by is what its log says last, committed or not (Raft §6): one that is cut off with the end of
 * the log counts for nothing.
 */

import type { Core } from '../../../actors/raft/state.js';
import type { Checker, CheckerContext, ObservedNode } from './checker.js';

export class ConfigurationsInEffect implements Checker {
  readonly #context: CheckerContext;
  /** The end of each log when it was looked at. */
  readonly #looked = new Map<ObservedNode, { core: Core; lastIndex: number; lastTerm: number; statedIndex: number }>();

  constructor(context: CheckerContext) {
    this.#context = context;
  }

  stepped(node: ObservedNode, core: Core): void {
    const { log, configurations } = core;
    const { lastIndex, lastTerm, firstIndex } = log;
    const statedIndex: number = configurations.lastIndex;
    const looked = this.#looked.get(node);
    const isSame =
      looked?.core === core &&
      looked.lastIndex === lastIndex &&
      looked.lastTerm === lastTerm &&
      looked.statedIndex === statedIndex;
    if (isSame) return;
    this.#looked.set(node, { core, lastIndex, lastTerm, statedIndex });
    const said = this.#context.history.configurations.indexAt(core, lastIndex);
    if (statedIndex === (said < firstIndex ? 0 : said)) return;
    this.#context.report(
      'members',
      `${node.id} goes by entry ${statedIndex}, and entry ${said} of its log is the last`,
    );
  }
}

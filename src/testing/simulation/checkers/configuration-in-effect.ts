/**
 * Each node goes by the newest configuration in its log, from where it is appended until it is cut off (Raft §6), or,
 * where the log has none, by the one in the snapshot that it begins behind: never by an older one, nor by what its
 * options say.
 */

import type { Configuration } from '../../../actors/raft/configuration.js';
import type { Core } from '../../../actors/raft/state.js';
import { believedWords } from './believed-words.js';
import type { Checker, CheckerContext, ObservedNode } from './checker.js';

/** What was looked at last. One index and term name one log up to there. */
interface Looked {
  readonly current: Configuration;
  readonly lastIndex: number;
  readonly lastTerm: number;
}

export class ConfigurationInEffect implements Checker {
  readonly #context: CheckerContext;
  readonly #looked = new Map<ObservedNode, Looked>();

  constructor(context: CheckerContext) {
    this.#context = context;
  }

  stepped(node: ObservedNode, core: Core): void {
    const { current } = core.configurations;
    const { lastIndex, lastTerm } = core.log;
    const looked = this.#looked.get(node);
    if (looked?.current === current && looked.lastIndex === lastIndex && looked.lastTerm === lastTerm) return;
    this.#looked.set(node, { current, lastIndex, lastTerm });
    const said = this.#context.history.configurations.at(core, lastIndex);
    // Before there is a cluster, it is for the options to say whose votes found it.
    if (said === null) return;
    const believed = current.voters.length === 0 ? 'nobody' : believedWords(current);
    if (believed === said.words) return;
    const what = `${node.id} goes by ${believed}, and its log to ${lastIndex} says ${said.words}`;
    this.#context.report('members', what);
  }
}

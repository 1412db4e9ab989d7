/**
 * A node that knows from what is committed that it has no vote keeps out of who leads: it does not begin to campaign,
 * and if it leads, it leads no further than to the end of the batch in which it learns of that (thesis §4.2.2).
 */

import type { RaftMessage } from '../../../actors/raft/messages.js';
import type { Core, Role } from '../../../actors/raft/state.js';
import type { Checker, CheckerContext, ObservedNode } from './checker.js';

export class LeftOut implements Checker {
  readonly #context: CheckerContext;
  /** The role in which each node was last seen. */
  readonly #roles = new Map<ObservedNode, Role>();

  constructor(context: CheckerContext) {
    this.#context = context;
  }

  stepped(node: ObservedNode, core: Core, { type }: RaftMessage): void {
    const { role } = core;
    const isNew = this.#roles.get(node) !== role;
    this.#roles.set(node, role);
    const hasBegun = isNew && (role.name === 'preCandidate' || role.name === 'candidate');
    const goesOn = role.name === 'leader' && type === 'flush';
    if ((hasBegun || goesOn) && this.#isLeftOut(core)) {
      this.#context.report('membership', `${node.id} has no vote, knows it, and is ${role.name} in term ${core.term}`);
    }
  }

  #isLeftOut(core: Core): boolean {
    const { configurations } = this.#context.history;
    const inEffect = configurations.at(core, core.log.lastIndex);
    if (inEffect === null || inEffect.electors.includes(core.options.self)) return false;
    return inEffect === configurations.at(core, core.commitIndex);
  }
}

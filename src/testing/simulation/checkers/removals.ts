/**
 * A node says that it was removed only where something committed says so, as far as can be known when it comes to know
 * it: by the time that it has stopped it may be a member again.
 */

import type { Effect } from '../../../actors/raft/effects.js';
import type { Core } from '../../../actors/raft/state.js';
import type { AdmittedMembers } from './admitted-members.js';
import type { Checker, CheckerContext, ObservedNode } from './checker.js';

export class Removals implements Checker {
  readonly #context: CheckerContext;
  readonly #admitted: AdmittedMembers;
  /** Effects are seen at each step until they are carried out. */
  readonly #seen = new WeakSet<Effect>();

  constructor(context: CheckerContext, admitted: AdmittedMembers) {
    this.#context = context;
    this.#admitted = admitted;
  }

  stepped({ id }: ObservedNode, { effects, commitIndex }: Core): void {
    for (const effect of effects) {
      if (effect.type !== 'removed' || this.#seen.has(effect)) continue;
      this.#seen.add(effect);
      // Has it been a member ever since what it knows to be committed?
      if (!this.#admitted.since(commitIndex).every((each) => each.isMember(id))) continue;
      this.#context.report('members', `${id} stops, and nothing committed says that it was removed`);
    }
  }
}

/**
 * Members change one step at a time (Raft §6, thesis §4.1): by way of C_old,new where voters change, each step once the
 * one before is committed and an entry of the leader's own term with it, and nobody gets a vote before it has come as
 * far as the entry that has made it a learner. Told independently of how the core makes its configurations.
 */

import type { Core } from '../../../actors/raft/state.js';
import type { NodeId } from '../../../ids.js';
import type { CheckerContext } from './checker.js';
import type { Stated } from './log-configurations.js';
import type { StatedConfiguration } from './stated-configuration.js';

export class MembershipSteps {
  readonly #context: CheckerContext;

  constructor(context: CheckerContext) {
    this.#context = context;
  }

  /** A log holds a configuration that none has held before. */
  stated(core: Core, { index, configuration: after }: Stated): void {
    const { options, role, commitIndex } = core;
    const earlier = this.#context.history.configurations.allUpTo(core, index - 1);
    const [before] = earlier;
    // What founds a cluster follows nothing.
    if (before === undefined) return;
    const report = (what: string): void => this.#context.report('membership', `${options.self} ${what}`);
    if (!isOneStep(before.configuration, after)) {
      report(`goes from ${before.configuration.words} to ${after.words} in one step, at ${index}`);
    }
    if (role.name === 'leader') {
      if (before.index > commitIndex) report(`changes members at ${index}, and the change at ${before.index} is open`);
      if (role.noopIndex > commitIndex) report(`changes members at ${index}, with nothing of its own term committed`);
    }
    for (const id of before.configuration.learners) {
      const other = earlier.findIndex(({ configuration }) => !configuration.learners.includes(id));
      const sinceIndex = earlier[other === -1 ? earlier.length - 1 : other - 1]!.index;
      if (after.electors.includes(id) && !this.#hasReached(id, after, sinceIndex)) {
        report(`gives ${id} a vote at ${index}, which has not got the entry ${sinceIndex} that has made it a learner`);
      }
    }
  }

  #hasReached(id: NodeId, { admitted }: StatedConfiguration, index: number): boolean {
    const node = this.#context.nodes.get(id);
    const memories = node === undefined ? [] : [node.durable, ...node.lost];
    return memories.some((each) => each !== null && each.incarnation === admitted.get(id) && each.lastIndex >= index);
  }
}

function isOneStep(before: StatedConfiguration, after: StatedConfiguration): boolean {
  if (after.isJoint) return isEntered(before, after);
  if (!isSame(before.voters, after.voters)) return false;
  if (before.isJoint) return keepsAdmitted(after.voters, before, after) && isSame(before.learners, after.learners);
  const changed = before.voters.filter((id) => before.admitted.get(id) !== after.admitted.get(id));
  if (changed.length === 0) return before.admitted.size === after.admitted.size;
  // Out, or in again, and nothing else; never from one incarnation to another.
  const [id] = changed;
  const isOutOrIn = before.admitted.has(id!) !== after.admitted.has(id!);
  return changed.length === 1 && isOutOrIn && isSame(before.learners, after.learners);
}

/** To C_old,new: those who voted go on voting, as who they are, and one comes, or goes, or both. */
function isEntered(before: StatedConfiguration, after: StatedConfiguration): boolean {
  if (before.isJoint || after.voters.length === 0 || !isSame(before.voters, after.oldVoters!)) return false;
  const come = after.voters.filter((id) => !before.voters.includes(id));
  const gone = before.voters.filter((id) => !after.voters.includes(id));
  if (come.length > 1 || gone.length > 1 || come.some((id) => !before.learners.includes(id))) return false;
  return keepsAdmitted(before.voters, before, after);
}

function keepsAdmitted(ids: readonly NodeId[], before: StatedConfiguration, after: StatedConfiguration): boolean {
  return ids.every((id) => before.admitted.get(id) === after.admitted.get(id));
}

function isSame(some: readonly string[], others: readonly string[]): boolean {
  return some.toSorted().join() === others.toSorted().join();
}

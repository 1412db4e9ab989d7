/**
 * Who belongs to a group and whose agreement counts: the voters, the learners, and the quorum rule as one value, so
 * that no code can take the members from one place and the rule from another.
 */

import { ConclaveError } from '../../errors.js';
import type { NodeId } from '../../ids.js';
import { majority, type Quorum } from './quorum.js';

export interface Configuration {
  /** At least one; no id is twice in `voters` and `learners` together. */
  readonly voters: readonly NodeId[];
  /** Receive the log without a vote. */
  readonly learners: readonly NodeId[];
  readonly quorum: Quorum;
}

/**
 * The configuration of plain Raft.
 *
 * @throws ConclaveError `ERR_INVALID_OPTION` if there is no voter, or a node is named twice.
 */
export function majorityConfiguration(voters: readonly NodeId[], learners: readonly NodeId[] = []): Configuration {
  if (voters.length === 0) throw refused('it has no voter');
  const seen = new Set<NodeId>();
  for (const id of [...voters, ...learners]) {
    if (seen.has(id)) throw refused(`it names ${id} twice`);
    seen.add(id);
  }
  return { voters: [...voters], learners: [...learners], quorum: majority(voters) };
}

/** All members but `self`, voters first. */
export function peersOf(configuration: Configuration, self: NodeId): NodeId[] {
  return [...configuration.voters, ...configuration.learners].filter((id) => id !== self);
}

export function isVoter(configuration: Configuration, id: NodeId): boolean {
  return configuration.voters.includes(id);
}

function refused(why: string): ConclaveError {
  return new ConclaveError('ERR_INVALID_OPTION', `The configuration of the group is invalid: ${why}.`, {
    data: { option: 'members' },
  });
}

/**
 * Who belongs to a group and whose agreement counts: voters, learners, the quorum rule and the incarnations that are
 * admitted, as one value, so that no code can take the members from one place and the rule from another. Plain data but
 * for what is derived from it; never changed once it is made (configuration-steps.ts makes the next one).
 */

import { ConclaveError } from '../../errors.js';
import type { Incarnation, NodeId } from '../../ids.js';
import { jointQuorum, majority, type Quorum } from './quorum.js';

/** How quorums are made of voters: what follows from a rule is a `Quorum`. In an entry it has a field of its own. */
export type QuorumRule = 'majority';

export interface VoterSet {
  readonly voters: readonly NodeId[];
  readonly rule: QuorumRule;
}

/** Receives the log without a vote, and becomes a voter once it has caught up. */
export interface Learner {
  readonly id: NodeId;
  /** The voter whose place it takes then; null: nobody's. */
  readonly replaces: NodeId | null;
}

/** What a configuration is made from, and what its entry in the log says. */
export interface ConfigurationParts extends VoterSet {
  /**
   * Those who voted before, whose quorums are needed as well until all know of the new ones: C_old where the whole is
   * C_old,new (Raft §6). Null: there is one set of voters only.
   */
  readonly old: VoterSet | null;
  readonly learners: readonly Learner[];
  /**
   * In which incarnation each voter counts; who is not in it does not count at present. Raft rests on what a voter has
   * promised: one that has lost its memory comes back under its old name as somebody else, and its votes and
   * acknowledgements must not be taken for those of the one who promised.
   */
  readonly admitted: ReadonlyMap<NodeId, Incarnation>;
}

export interface Configuration extends ConfigurationParts {
  /**
   * Everybody who has a vote, in the new or the old set. Invariant: no learner is among them, and no id is twice in
   * either.
   */
  readonly electors: readonly NodeId[];
  /** Takes quorums of both sets, where there are two. */
  readonly quorum: Quorum;
}

/** Of a node that is yet to be told who belongs to its group: there is no quorum of nobody. */
export const NOBODY: Configuration = configurationOf({
  voters: [],
  rule: 'majority',
  old: null,
  learners: [],
  admitted: new Map(),
});

/** The configuration that consists of these parts. */
export function configurationOf({ voters, rule, old, learners, admitted }: ConfigurationParts): Configuration {
  const quorum = quorumOf({ voters, rule });
  return {
    voters,
    rule,
    old,
    learners,
    admitted,
    electors: old === null ? voters : [...new Set([...old.voters, ...voters])],
    quorum: old === null ? quorum : jointQuorum(quorumOf(old), quorum),
  };
}

/**
 * The configuration of plain Raft, in which nobody is admitted yet.
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
  return configurationOf({
    voters: [...voters],
    rule: 'majority',
    old: null,
    learners: learners.map((id) => ({ id, replaces: null })),
    admitted: new Map(),
  });
}

/** All members, voters first. */
export function membersOf({ electors, learners }: Configuration): NodeId[] {
  return [...electors, ...learners.map(({ id }) => id)];
}

/** All members but `self`, voters first. */
export function peersOf(configuration: Configuration, self: NodeId): NodeId[] {
  return membersOf(configuration).filter((id) => id !== self);
}

/** Has it a vote, be it in the new or in the old set? */
export function isVoter({ electors }: Configuration, id: NodeId): boolean {
  return electors.includes(id);
}

export function isMember({ electors, learners }: Configuration, id: NodeId): boolean {
  return electors.includes(id) || learners.some((learner) => learner.id === id);
}

function quorumOf({ voters, rule }: VoterSet): Quorum {
  switch (rule) {
    case 'majority':
      return majority(voters);
  }
}

function refused(why: string): ConclaveError {
  return new ConclaveError('ERR_INVALID_OPTION', `The configuration of the group is invalid: ${why}.`, {
    data: { option: 'members' },
  });
}

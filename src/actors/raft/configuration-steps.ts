/**
 * From one configuration to the next, in steps that are each safe to take where the one before is committed: any quorum
 * before a step and any after it have a voter in common, in an incarnation that counts in both.
 *
 * - A learner comes, goes, or is to take another one's place: who votes stays the same.
 * - An incarnation is struck off: quorums become fewer. One is let in where none is: the quorums before did without it.
 * - To C_old,new: whatever was a quorum must be one still, and more.
 * - From C_old,new to C_new: every quorum of C_old,new contains one of C_new.
 *
 * The incarnations of those who go on voting stay the same in the last two.
 */

import { assert } from '../../assert.js';
import type { Incarnation, NodeId } from '../../ids.js';
import { configurationOf, type Configuration, type Learner } from './configuration.js';

export function withLearner(configuration: Configuration, learner: Learner): Configuration {
  return configurationOf({ ...configuration, learners: [...configuration.learners, learner] });
}

export function withoutLearner(configuration: Configuration, id: NodeId): Configuration {
  return configurationOf({ ...configuration, learners: configuration.learners.filter((each) => each.id !== id) });
}

/** A voter counts in this incarnation from now on, or, if null, in none. */
export function withAdmission(
  configuration: Configuration,
  id: NodeId,
  incarnation: Incarnation | null,
): Configuration {
  const admitted = new Map(configuration.admitted);
  if (incarnation === null) admitted.delete(id);
  else admitted.set(id, incarnation);
  return configurationOf({ ...configuration, admitted });
}

/**
 * C_old,new, in which this learner votes as this incarnation, and the voter that it replaces will soon not any more.
 */
export function promoting(configuration: Configuration, learner: Learner, incarnation: Incarnation): Configuration {
  const { id, replaces } = learner;
  const admitted = new Map(configuration.admitted).set(id, incarnation);
  const voters = [...configuration.voters.filter((each) => each !== replaces), id];
  return joint(withoutLearner(configuration, id), voters, admitted);
}

/** C_old,new, in which this voter will soon not vote any more. Whoever was to take its place takes nobody's. */
export function demoting(configuration: Configuration, id: NodeId): Configuration {
  const voters = configuration.voters.filter((each) => each !== id);
  const { admitted, learners } = configuration;
  const freed = learners.map((each) => (each.replaces === id ? { id: each.id, replaces: null } : each));
  return joint(configurationOf({ ...configuration, learners: freed }), voters, admitted);
}

function joint(
  configuration: Configuration,
  voters: readonly NodeId[],
  admitted: ReadonlyMap<NodeId, Incarnation>,
): Configuration {
  assert(configuration.old === null, 'one change of voters at a time');
  assert(voters.length > 0, 'there is a voter left');
  const { voters: oldVoters, rule } = configuration;
  return configurationOf({ ...configuration, voters, old: { voters: oldVoters, rule }, admitted });
}

/** C_new: those who are not in it are forgotten. */
export function completed(configuration: Configuration): Configuration {
  assert(configuration.old !== null, 'only a joint configuration is completed');
  const { voters } = configuration;
  const admitted = new Map([...configuration.admitted].filter(([id]) => voters.includes(id)));
  return configurationOf({ ...configuration, old: null, admitted });
}

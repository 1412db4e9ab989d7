/**
 * Who counts: the use that elections make of configurations and of the incarnations that they admit.
 */

import { logIndex, type Incarnation, type NodeId } from '../../ids.js';
import { configurationOf, isMember, isVoter, type Configuration } from './configuration.js';
import type { Core } from './state.js';

/** The incarnation that a node has now, as far as is known here. */
export function incarnationOf(core: Core, id: NodeId): Incarnation | null {
  return id === core.options.self ? core.options.incarnation : (core.incarnations.get(id) ?? null);
}

/** Is this node, as it is now, the one that the configuration in effect has admitted under its name? */
export function counts(core: Core, id: NodeId): boolean {
  return isAdmitted(core, core.configurations.current, id);
}

function isAdmitted(core: Core, { admitted }: Configuration, id: NodeId): boolean {
  const incarnation = admitted.get(id);
  return incarnation !== undefined && incarnation === incarnationOf(core, id);
}

/**
 * May this node campaign? One that has lost its memory must be let in again first, and one whose disk hangs could not
 * lead.
 */
export function mayCampaign(core: Core): boolean {
  if (core.storageBehindSinceMs !== null) return false;
  const { configurations, options } = core;
  if (isVoter(configurations.current, options.self)) {
    return !configurations.isFounded || counts(core, options.self);
  }
  return isNeededStill(core);
}

/**
 * A configuration that leaves this node out may be known to nobody else, and nobody else can be elected then: until it
 * is committed, those who voted before it still campaign, though they do not count themselves (thesis §4.2.2).
 */
function isNeededStill({ configurations, commitIndex, options }: Core): boolean {
  const { previous, lastIndex } = configurations;
  if (previous === null || lastIndex <= commitIndex) return false;
  return isVoter(previous, options.self) && previous.admitted.get(options.self) === options.incarnation;
}

/** The voters that have lost their memory, as they were last seen: their votes count for nothing. */
export function forgetfulVoters(core: Core): NodeId[] {
  const { electors } = core.configurations.current;
  return electors.filter((id) => incarnationOf(core, id) !== null && !counts(core, id));
}

/**
 * Are there too few voters left, in the cluster that this node remembers, for any to be elected? Others may have been
 * admitted of whom its log does not know yet: this is final only where no leader is heard from.
 */
export function isMemoryLost(core: Core): boolean {
  if (!core.configurations.isFounded) return false;
  const { electors, quorum } = core.configurations.current;
  const forgetful = forgetfulVoters(core);
  return !quorum.isElectionQuorum(new Set(electors.filter((id) => !forgetful.includes(id))));
}

/**
 * Takes a vote, or the promise of one. Returns whether it has brought a quorum: a quorum of those who count; or all
 * voters, where there is no cluster yet, for any that were missing might be one that remembers a cluster.
 */
export function takeVote(core: Core, granted: Map<NodeId, Incarnation>, from: NodeId): boolean {
  const { current, isFounded } = core.configurations;
  const { electors, admitted, quorum } = current;
  const known = incarnationOf(core, from);
  if (known === null) return false;
  // One without a vote may have to campaign itself, and then leaves it to those who have one.
  if (isFounded && !counts(core, from)) return false;
  granted.set(from, known);
  if (isFounded) {
    // As the log is now: a snapshot may have taken its place since some of these were given.
    const counted = [...granted].filter(([id, incarnation]) => admitted.get(id) === incarnation);
    return quorum.isElectionQuorum(new Set(counted.map(([id]) => id)));
  }
  // Whoever has lost its memory since it granted has granted nothing.
  return electors.every((id) => granted.has(id) && granted.get(id) === incarnationOf(core, id));
}

/** What the first leader of a cluster begins the log with: everybody, as they voted. */
export function foundingConfiguration(core: Core, granted: ReadonlyMap<NodeId, Incarnation>): Configuration {
  const { current } = core.configurations;
  const admitted = current.voters.map((id): [NodeId, Incarnation] => [id, granted.get(id)!]);
  return configurationOf({ ...current, admitted: new Map(admitted) });
}

/** Entries have been taken from a leader, the first one at `firstIndex`: notes which configurations they bring. */
export function noteConfigurations(core: Core, firstIndex: number): void {
  for (const index of core.log.configurationIndexes) {
    if (index < firstIndex) continue;
    core.configurations.appended(index, core.log.entry(logIndex(index)).payload);
    forgetStrangers(core);
  }
}

/** Another configuration is in effect: of those who are left out and not connected, nothing is kept. */
export function forgetStrangers(core: Core): void {
  const { current } = core.configurations;
  for (const id of core.incarnations.keys()) {
    if (isMember(current, id) || core.connected.has(id)) continue;
    core.incarnations.delete(id);
    core.codeVersions.delete(id);
  }
}

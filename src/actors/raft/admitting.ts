/**
 * Who counts, and letting in those who have lost their memory: the use that elections and leaders make of the
 * admissions in the log.
 */

import { logIndex, type Incarnation, type NodeId } from '../../ids.js';
import { admissionContent, type Admission } from './admissions.js';
import type { Content } from './entry.js';
import { timestampOf, type Core, type Leader } from './state.js';

/** The incarnation that a node has now, as far as is known here. */
function incarnationOf(core: Core, id: NodeId): Incarnation | null {
  return id === core.options.self ? core.options.incarnation : (core.incarnations.get(id) ?? null);
}

/** Is this node, as it is now, the one that the log has admitted under its name? */
export function counts(core: Core, id: NodeId): boolean {
  const admitted = core.admissions.of(id);
  return admitted !== null && admitted === incarnationOf(core, id);
}

/** May this node campaign? One that has lost its memory must be let in again first, and one whose disk hangs could not lead. */
export function mayCampaign(core: Core): boolean {
  if (core.storageBehindSinceMs !== null) return false;
  return core.isVoter && (!core.admissions.isFounded || counts(core, core.options.self));
}

/** The voters that have lost their memory, as they were last seen: their votes count for nothing. */
export function forgetfulVoters(core: Core): NodeId[] {
  const { voters } = core.options.configuration;
  return voters.filter((id) => incarnationOf(core, id) !== null && !counts(core, id));
}

/**
 * Are there too few voters left, in the cluster that this node remembers, for any to be elected? Others may have been
 * admitted of whom its log does not know yet: this is final only where no leader is heard from.
 */
export function isMemoryLost(core: Core): boolean {
  if (!core.admissions.isFounded) return false;
  const { voters, quorum } = core.options.configuration;
  const forgetful = forgetfulVoters(core);
  return !quorum.isElectionQuorum(new Set(voters.filter((id) => !forgetful.includes(id))));
}

/**
 * Takes a vote, or the promise of one. Returns whether it has brought a quorum: a quorum of those who count; or all
 * voters, where there is no cluster yet, for any that were missing might be one that remembers a cluster.
 */
export function takeVote(core: Core, granted: Map<NodeId, Incarnation>, from: NodeId): boolean {
  const { voters, quorum } = core.options.configuration;
  const known = incarnationOf(core, from);
  if (known === null) return false;
  if (core.admissions.isFounded && !counts(core, from)) return false;
  granted.set(from, known);
  if (core.admissions.isFounded) {
    // As the log is now: a snapshot may have taken its place since some of these were given.
    const counted = [...granted].filter(([id, incarnation]) => core.admissions.of(id) === incarnation);
    return quorum.isElectionQuorum(new Set(counted.map(([id]) => id)));
  }
  // Whoever has lost its memory since it granted has granted nothing.
  return voters.every((id) => granted.has(id) && granted.get(id) === incarnationOf(core, id));
}

/** What the first leader of a cluster begins the log with: everybody, as they voted. */
export function foundingContent(granted: ReadonlyMap<NodeId, Incarnation>): Content {
  return admissionContent([...granted].toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/**
 * Replaces incarnations that are no more, one step at a time: the next change is made once the last one is committed,
 * and, as with any change of members, only by a leader that has committed an entry of its own term.
 */
export function admitReturned(core: Core, leader: Leader): void {
  const { admissions, commitIndex, options } = core;
  if (commitIndex < leader.noopIndex || admissions.lastIndex > commitIndex || core.handover !== null) return;
  for (const id of options.configuration.voters) {
    const known = core.incarnations.get(id);
    const admitted = admissions.of(id);
    if (id === options.self || known === undefined || known === admitted) continue;
    // What was heard of it before this term may be older than what the log says: it must have answered this leader.
    const { ackedRound } = leader.peers.get(id)!;
    if (ackedRound === 0) continue;
    // And so must a quorum without it. A retirement that cannot be committed would be in the way of the old incarnation,
    // should that come back after all.
    if (admitted !== null && ackedRound > leader.quorumRound) continue;
    append(core, leader, [id, admitted === null ? known : null]);
    return;
  }
}

function append(core: Core, leader: Leader, admission: Admission): void {
  const content = admissionContent([admission]);
  const index = core.log.append(content, core.term, timestampOf(core));
  core.admissions.appended(index, content.payload);
  // Everybody is told of its commitment without delay: the next step waits for it.
  for (const peer of leader.peers.values()) peer.wantedCommit = index;
}

/** Entries have been taken from a leader, the first one at `firstIndex`: notes what they admit. */
export function noteAdmissions(core: Core, firstIndex: number): void {
  for (const index of core.log.admissionIndexes) {
    if (index >= firstIndex) core.admissions.appended(logIndex(index), core.log.entry(logIndex(index)).payload);
  }
}

/**
 * How a leader changes who belongs to the group and who counts (Raft §6, thesis §4): each change is an entry, takes
 * effect where it is appended, and is made only once the one before is committed, and an entry of the leader's own term
 * with it. A new leader goes on with whatever it finds.
 */

import { assert } from '../../assert.js';
import type { LogIndex, NodeId } from '../../ids.js';
import { counts, forgetStrangers } from './admitting.js';
import { refused } from './asking-leader.js';
import { isMember, isVoter, membersOf, type Configuration, type Learner } from './configuration.js';
import { configurationContent } from './configuration-entry.js';
import { completed, demoting, promoting, withAdmission, withLearner, withoutLearner } from './configuration-steps.js';
import type { ChangeAnswer, ChangeRefusal } from './effects.js';
import type { MembersChange } from './messages.js';
import { Progress } from './progress.js';
import { VOTERS_MAX } from './quorum.js';
import { timestampOf, type Core, type Leader } from './state.js';
import { hasCodeInForce } from './versioning.js';

/** Somebody wants the members changed. What is begun here is completed by this leader or another. */
export function startChange(core: Core, leader: Leader, change: MembersChange): ChangeAnswer {
  const { configurations } = core;
  if (!configurations.isKnownSince(change.knownIndex)) return { refusal: 'outdated', index: configurations.lastIndex };
  if (hasBegun(core, change)) return begun(core);
  const next = isFree(core, leader) ? changed(core, leader, change.add, change.remove) : 'under way';
  if (typeof next === 'string') return refused(next);
  append(core, leader, next);
  return begun(core);
}

function begun({ configurations }: Core): ChangeAnswer {
  return { refusal: null, index: configurations.lastIndex };
}

/**
 * Has it been begun since it was first wanted? The answer to that may have been lost, with the leader that gave it
 * perhaps.
 */
function hasBegun({ configurations }: Core, { add, remove, knownIndex }: MembersChange): boolean {
  let before = configurations.at(knownIndex);
  for (const after of configurations.since(knownIndex)) {
    const isBegun = add === null ? hasLeft(before, after, remove!) : hasCome(before, after, add, remove);
    if (isBegun) return true;
    before = after;
  }
  return false;
}

function hasLeft(before: Configuration | null, after: Configuration, id: NodeId): boolean {
  return before !== null && isStaying(before, id) && !isStaying(after, id);
}

function hasCome(before: Configuration | null, after: Configuration, id: NodeId, inPlaceOf: NodeId | null): boolean {
  if (before === null || isMember(before, id)) return false;
  const learner = after.learners.find((each) => each.id === id);
  if (learner === undefined || inPlaceOf === null) return learner !== undefined;
  // One that was to take another's place itself has left it to the one that takes its own.
  return learner.replaces === inPlaceOf || hasLeft(before, after, inPlaceOf);
}

function isStaying({ voters, learners }: Configuration, id: NodeId): boolean {
  return voters.includes(id) || learners.some((learner) => learner.id === id);
}

/** Takes the next step that is due, if any. */
export function continueChanges(core: Core, leader: Leader): void {
  if (!isFree(core, leader)) return;
  const { current } = core.configurations;
  const next =
    current.old === null ? (admittingReturned(core, leader) ?? promotingNext(core, leader)) : completed(current);
  if (next !== null) append(core, leader, next);
}

/**
 * Does this leader lead a group that it does not belong to any more? Until that is committed, it must (thesis §4.2.2).
 */
export function isLeftOut({ configurations, commitIndex, options }: Core): boolean {
  return !isVoter(configurations.current, options.self) && configurations.lastIndex <= commitIndex;
}

/** May the next step be taken? */
function isFree({ configurations, commitIndex, handover }: Core, leader: Leader): boolean {
  return commitIndex >= leader.noopIndex && configurations.lastIndex <= commitIndex && handover === null;
}

function changed(core: Core, leader: Leader, add: NodeId | null, remove: NodeId | null): Configuration | ChangeRefusal {
  const { current } = core.configurations;
  // A joint configuration is left as soon as it is committed.
  if (current.old !== null) return 'under way';
  if (add !== null && isMember(current, add)) return 'already a member';
  if (remove !== null && !isMember(current, remove)) return 'no such member';
  if (add === null) return removing(core, leader, remove!);
  const learner = current.learners.find(({ id }) => id === remove);
  const rest = learner === undefined ? current : withoutLearner(current, learner.id);
  const replaces = learner === undefined ? remove : learner.replaces;
  if (replaces !== null && rest.learners.some((each) => each.replaces === replaces)) return 'under way';
  const toCome = rest.learners.filter((each) => each.replaces === null).length;
  if (replaces === null && rest.voters.length + toCome >= VOTERS_MAX) return 'too many voters';
  return withLearner(rest, { id: add, replaces });
}

function removing(core: Core, leader: Leader, id: NodeId): Configuration | ChangeRefusal {
  const { current } = core.configurations;
  if (!isVoter(current, id)) return withoutLearner(current, id);
  if (current.voters.length === 1) return 'last voter';
  const next = demoting(current, id);
  return hasQuorum(core, leader, next) ? next : 'no quorum left';
}

/**
 * Replaces incarnations that are no more, one step at a time: an old one is struck off, and once that is committed,
 * without the voter, the new one is let in.
 */
function admittingReturned(core: Core, leader: Leader): Configuration | null {
  const { current } = core.configurations;
  for (const id of current.voters) {
    const known = core.incarnations.get(id);
    const admitted = current.admitted.get(id);
    if (id === core.options.self || known === undefined || known === admitted) continue;
    // What was heard of it before this term may be older than what the log says: it must have answered this leader.
    const { firstAckedRound } = leader.peers.get(id)!;
    if (firstAckedRound === 0) continue;
    // And so must a quorum without it, since then: the same round or a later one, for it may always be the first to
    // answer. A retirement that cannot be committed would be in the way of the old incarnation, should that come back
    // after all.
    if (admitted !== undefined && firstAckedRound > leader.quorumRound) continue;
    return withAdmission(current, id, admitted === undefined ? known : null);
  }
  return null;
}

function promotingNext(core: Core, leader: Leader): Configuration | null {
  const { current } = core.configurations;
  for (const learner of current.learners) {
    const incarnation = core.incarnations.get(learner.id);
    if (incarnation === undefined || !hasCodeInForce(core, leader, learner.id)) continue;
    if (!hasCaughtUp(core, leader, learner)) continue;
    return promoting(current, learner, incarnation);
  }
  return null;
}

/**
 * Has it come so far that commitment would not have to wait for it? It catches up in rounds, each to where the log ends
 * when it begins, until one takes less time than an election (thesis §4.2.1). It must have answered since: one that had
 * everything already may be gone.
 */
function hasCaughtUp(core: Core, leader: Leader, { id }: Learner): boolean {
  const peer = leader.peers.get(id)!;
  const { catchUp, matchIndex, ackedAtMs } = peer;
  if (catchUp !== null && (matchIndex < catchUp.index || ackedAtMs < catchUp.sinceMs)) return false;
  peer.catchUp = { index: core.log.lastIndex, sinceMs: core.nowMs };
  return catchUp !== null && core.nowMs - catchUp.sinceMs < core.options.electionTimeoutMs[0];
}

/** Could those who have been heard from lately elect and commit, in the new set as in the old one? */
function hasQuorum(core: Core, leader: Leader, next: Configuration): boolean {
  const sinceMs = core.nowMs - core.options.electionTimeoutMs[1];
  const { electors, admitted, quorum } = next;
  const alive = electors.filter((id) => {
    if (id === core.options.self) return true;
    const peer = leader.peers.get(id);
    return peer !== undefined && peer.ackedAtMs >= sinceMs && admitted.get(id) === core.incarnations.get(id);
  });
  const ids = new Set(alive);
  return quorum.isElectionQuorum(ids) && quorum.isCommitQuorum(ids);
}

/** The voter that has the most of the log; null: there is no other. */
export function bestSuccessor(core: Core, leader: Leader): NodeId | null {
  let best: NodeId | null = null;
  let bestMatch = -1;
  for (const id of core.configurations.current.voters) {
    const peer = leader.peers.get(id);
    if (peer === undefined || peer.matchIndex <= bestMatch || !counts(core, id)) continue;
    best = id;
    bestMatch = peer.matchIndex;
  }
  return best;
}

/** Who leads sends the log to all members, and to whoever else is connected. */
export function trackPeers(core: Core, peers: Map<NodeId, Progress>, nextIndex: LogIndex): void {
  const { configurations, connected, options } = core;
  const members = membersOf(configurations.current);
  for (const id of [...members, ...connected]) {
    if (id === options.self || peers.has(id)) continue;
    peers.set(id, new Progress(id, ++core.lastSession, nextIndex, options.limits));
  }
  for (const [id, peer] of peers) {
    if (!members.includes(id) && !connected.has(id)) peers.delete(id);
    // Whoever goes and is added again has to catch up with what has made it a learner then.
    else if (!configurations.current.learners.some((learner) => learner.id === id)) peer.catchUp = null;
  }
}

function append(core: Core, leader: Leader, configuration: Configuration): void {
  const { configurations, log, commitIndex } = core;
  assert(configurations.lastIndex <= commitIndex, 'one change at a time');
  const content = configurationContent(configuration);
  const index = log.append(content, core.term, timestampOf(core));
  configurations.appended(index, content.payload);
  forgetStrangers(core);
  trackPeers(core, leader.peers, index);
  // Others count now.
  leader.hasNewAcks = true;
  // Everybody is told of its commitment without delay: the next step waits for it.
  for (const peer of leader.peers.values()) peer.wantedCommit = index;
}

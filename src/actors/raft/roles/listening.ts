/**
 * What all roles but the leader's have in common: they listen for a leader, vote, and pass their callers' wishes on to
 * the leader. Each of those roles starts from this table and replaces what it does otherwise.
 */

import type { NodeId } from '../../../ids.js';
import { mayCampaign } from '../admitting.js';
import { acceptEntries, hearFromLeader, readRun } from '../appending.js';
import {
  askForChange,
  askForTransfer,
  askForVersion,
  endTransfer,
  giveUpAsking,
  refused,
  replyToChange,
  replyToVersion,
} from '../asking-leader.js';
import { isMember } from '../configuration.js';
import { endHandover } from '../handover.js';
import { introduceMembers, introduceToCandidate, onMembersKnown } from '../introducing.js';
import { ignore, type Handlers } from '../handlers.js';
import { askLeader, expireReads, onAnswer } from '../reading.js';
import type { PeerConnected } from '../messages.js';
import { onSnapshotInstalled, receiveSnapshot } from '../snapshots.js';
import { FOLLOWER, type Core, type Role } from '../state.js';
import { flushToStorage } from '../storing.js';
import { forwardSubmissions, retrySubmissions } from '../submitting.js';
import { becomeFollower, becomePreCandidate } from '../transitions.js';
import { answerPreVote, answerVote, hasRecentLeader } from '../voting.js';
import { forCallers } from './for-callers.js';

export const listening: Handlers<Role> = {
  ...forCallers,
  requestPreVote: (core, role, message) => {
    answerPreVote(core, message);
    introduceToCandidate(core, message.from);
    return role;
  },
  requestPreVoteReply: ignore,
  requestVote: (core, role, message) => {
    // The gate has looked at this only where the term was news; that, a node may have from elsewhere.
    answerVote(core, message, message.leadershipTransfer || !hasRecentLeader(core));
    return role;
  },
  requestVoteReply: ignore,
  appendEntries: (core, _role, message) => {
    const run = readRun(core, message);
    hearFromLeader(core, message.from);
    acceptEntries(core, message, run);
    return FOLLOWER;
  },
  appendEntriesReply: ignore,
  installSnapshot: (core, role, message) => {
    hearFromLeader(core, message.from);
    return receiveSnapshot(core, role, message);
  },
  installSnapshotReply: ignore,
  timeoutNow: ignore,
  readIndex: ignore,
  readIndexReply: (core, role, message) => {
    onAnswer(core, message.readId, message.readIndex);
    return role;
  },
  forward: ignore,
  changeRequest: (core, role, { from, question }) => {
    replyToChange(core, from, question, refused('no leader'));
    return role;
  },
  versionRequest: (core, role, { from, question }) => {
    replyToVersion(core, from, question, { reason: 'no leader' });
    return role;
  },
  transferRequest: (core, role, { from, question }) => {
    endTransfer(core, 'no leader', { from, question });
    return role;
  },
  membersKnown: (core, role, message) => {
    onMembersKnown(core, message);
    return role;
  },

  tick: (core, role) => {
    giveUpAsking(core);
    introduceMembers(core);
    retrySubmissions(core);
    expireReads(core);
    if (core.nowMs < core.electionDeadlineMs) return role;
    // Who has no vote can only note that the leader is silent.
    return mayCampaign(core) ? becomePreCandidate(core) : becomeFollower(core, null);
  },
  // Only a leader counts itself.
  entriesWritten: ignore,
  transferLeadership: (core, role, { target }) => {
    askForTransfer(core, target);
    return role;
  },
  peerConnected: (core, role, message) => {
    notePeer(core, message);
    if (message.peer === core.leader) askAgain(core);
    return role;
  },
  peerDisconnected: (core, role, { peer }) => {
    forgetPeer(core, peer);
    return role;
  },
  changeMembers: (core, role, message) => {
    askForChange(core, message);
    return role;
  },
  setCodeVersion: (core, role, message) => {
    askForVersion(core, message);
    return role;
  },
  snapshotSent: ignore,
  snapshotInstalled: onSnapshotInstalled,
  flush: (core, role) => {
    forwardSubmissions(core);
    askLeader(core);
    flushToStorage(core, []);
    endHandover(core);
    return role;
  },
};

/**
 * A connection stands: what was known of the peer by its last one, and what it was told there, does not count any more.
 */
export function notePeer(core: Core, { peer, incarnation, codeVersionMax }: PeerConnected): void {
  core.incarnations.set(peer, incarnation);
  core.codeVersions.set(peer, codeVersionMax);
  core.connected.add(peer);
  core.introduced.delete(peer);
}

/**
 * There may be many observers, one after the other: nothing of one that has gone is kept. Returns whether it was one.
 */
export function forgetPeer(core: Core, peer: NodeId): boolean {
  core.connected.delete(peer);
  core.introduced.delete(peer);
  if (isMember(core.configurations.current, peer)) return false;
  core.incarnations.delete(peer);
  core.codeVersions.delete(peer);
  return true;
}

/** What was sent to the leader on its old connection may be lost. */
function askAgain(core: Core): void {
  core.submissions.rewind();
  core.submissionProgressMs = core.nowMs;
  core.reads.forgetTickets();
}

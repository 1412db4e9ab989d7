/**
 * The leader orders everything: it appends, replicates, commits what a quorum has, answers reads, and steps down when
 * it can no longer reach a quorum (Raft §5.3, §5.4, §8; thesis §6.2, §6.4).
 */

import { assert } from '../../../assert.js';
import { logIndex } from '../../../ids.js';
import {
  answerChange,
  answerVersion,
  endTransfer,
  giveUpAsking,
  refused,
  replyToChange,
  replyToVersion,
} from '../asking-leader.js';
import { bestSuccessor, continueChanges, isLeftOut, startChange } from '../changing.js';
import type { DurableEffect } from '../effects.js';
import { continueHandover, endHandover, startHandover } from '../handover.js';
import { ignore, type Handlers } from '../handlers.js';
import { Progress } from '../progress.js';
import { assignReads, expireReads, onReadIndex, releaseReads } from '../reading.js';
import { countAcks, onReply, replicate, startRound } from '../replication.js';
import { onInstallReply, onSnapshotInstalled, onSnapshotSent } from '../snapshots.js';
import type { Core, Leader, Role } from '../state.js';
import { flushToStorage } from '../storing.js';
import { appendSubmissions, onForward } from '../submitting.js';
import { becomeFollower } from '../transitions.js';
import { raiseBySelf, startRaise } from '../versioning.js';
import { answerPreVote, answerVote } from '../voting.js';
import { forCallers } from './for-callers.js';
import { forgetPeer, notePeer } from './listening.js';

export const leader: Handlers<Leader> = {
  ...forCallers,
  requestPreVote: (core, role, message) => {
    answerPreVote(core, message);
    return role;
  },
  requestPreVoteReply: ignore,
  requestVote: (core, role, message) => {
    answerVote(core, message, false);
    return role;
  },
  requestVoteReply: ignore,
  appendEntries: (): never => twoLeaders(),
  appendEntriesReply: (core, role, message) => {
    onReply(core, role, message);
    return role;
  },
  installSnapshot: (): never => twoLeaders(),
  installSnapshotReply: (core, role, message) => {
    onInstallReply(core, role, message);
    return role;
  },
  timeoutNow: ignore,
  readIndex: (_core, role, message) => {
    onReadIndex(role, message);
    return role;
  },
  readIndexReply: ignore,
  forward: (core, role, message) => {
    onForward(core, role, message);
    return role;
  },

  // A question to the leader of another term may be so late that its caller has been told of another answer since.
  changeRequest: (core, role, message) => {
    const { from, question } = message;
    const answer = message.term === core.term ? startChange(core, role, message) : refused('no leader');
    replyToChange(core, from, question, answer);
    return role;
  },
  versionRequest: (core, role, { from, question, version, term }) => {
    const refusal = term === core.term ? startRaise(core, role, version) : ({ reason: 'no leader' } as const);
    replyToVersion(core, from, question, refusal);
    return role;
  },
  transferRequest: (core, role, { from, question, target, term }) => {
    if (term === core.term) startHandover(core, role, target, { from, question });
    else endTransfer(core, 'no leader', { from, question });
    return role;
  },
  // It has the log, and sends it to whoever is connected.
  membersKnown: ignore,

  tick: (core, role) => {
    giveUpAsking(core);
    expireReads(core);
    // However many rounds are started in between, by reads for example: those repeat nothing.
    if (core.nowMs >= role.nextHeartbeatMs) {
      role.nextHeartbeatMs = core.nowMs + core.options.heartbeatMs;
      startRound(core, role);
      // A probe that was lost is sent again, and so is an offer of a snapshot.
      for (const peer of role.peers.values()) peer.isProbeSent = false;
    }
    // A single voter confirms its own round, however long it has stood still.
    countAcks(core, role);
    if (isLeftOut(core)) return leave(core, role);
    // Check-quorum (thesis §6.2): a leader that nobody hears must not keep its callers waiting.
    if (core.nowMs - role.quorumRoundStartedAtMs > core.options.electionTimeoutMs[1]) return becomeFollower(core, null);
    // Nor must one whose disk hangs, while others could lead.
    const { storageBehindSinceMs } = core;
    if (storageBehindSinceMs !== null && core.nowMs - storageBehindSinceMs > core.options.electionTimeoutMs[1]) {
      return becomeFollower(core, null);
    }
    raiseBySelf(core, role);
    role.hasTicked = true;
    return role;
  },
  entriesWritten: (core, role, { index, entryTerm }) => {
    // The log may have been cut and rewritten since; then this is about entries that are no more.
    if (core.log.termAt(index) !== entryTerm || index <= role.durableIndex) return role;
    role.durableIndex = index;
    role.hasNewAcks = true;
    return role;
  },
  transferLeadership: (core, role, { target }) => {
    startHandover(core, role, target, null);
    return role;
  },
  changeMembers: (core, role, message) => {
    answerChange(core, message.changeId, startChange(core, role, message));
    return role;
  },
  setCodeVersion: (core, role, { changeId, version }) => {
    answerVersion(core, changeId, startRaise(core, role, version));
    return role;
  },
  peerConnected: (core, role, message) => {
    const { peer: id, incarnation } = message;
    const known = core.incarnations.get(id);
    notePeer(core, message);
    // What it asked on its old connection, it asks again.
    role.remoteReads = role.remoteReads.filter((read) => read.from !== id);
    const peer = role.peers.get(id);
    if (known !== undefined && known !== incarnation) {
      // Whoever has lost its memory has none of what its former incarnation acknowledged, and a quorum that has
      // answered a round with that one has not answered it without it.
      role.peers.set(id, newProgress(core));
      startRound(core, role);
    } else if (peer === undefined) role.peers.set(id, newProgress(core));
    // What was on its way on the old connection may be lost.
    else if (peer.state === 'replicate') peer.becomeProbe(logIndex(peer.matchIndex + 1));
    else peer.isProbeSent = false;
    return role;

    function newProgress({ log, options }: Core): Progress {
      return new Progress(id, ++core.lastSession, logIndex(log.lastIndex + 1), options.limits);
    }
  },
  peerDisconnected: (core, role, { peer }) => {
    if (forgetPeer(core, peer)) role.peers.delete(peer);
    return role;
  },
  snapshotSent: (_core, role, message) => {
    onSnapshotSent(role, message);
    return role;
  },
  snapshotInstalled: (core, role, message) => {
    const after = onSnapshotInstalled(core, role, message);
    // After a start, what leaves it out was not known to be committed before its objects had loaded this.
    return after === role && isLeftOut(core) ? leave(core, role) : after;
  },
  flush: (core, role) => {
    // First, for what a failed handover held back is appended and replicated below.
    endHandover(core);
    appendSubmissions(core);
    countAcks(core, role);
    continueChanges(core, role);
    assignReads(core, role);
    // A single voter confirms its own round.
    countAcks(core, role);
    releaseReads(core, role);
    replicate(core, role, role.hasTicked);
    role.hasTicked = false;
    continueHandover(core, role);
    flushToStorage(core, written(core));
    return isLeftOut(core) ? leave(core, role) : role;
  },
};

/** All know of it by now, or will from their next leader: one of them is to campaign at once. */
function leave(core: Core, role: Leader): Role {
  const successor = bestSuccessor(core, role);
  if (successor !== null) {
    const { group, self } = core.options;
    core.effects.push({
      type: 'send',
      to: successor,
      message: { type: 'timeoutNow', group, from: self, term: core.term },
    });
  }
  return becomeFollower(core, null);
}

/** The leader counts itself only once its own disk has the entries. */
function written(core: Core): readonly DurableEffect[] {
  const { lastIndex: index, lastTerm: entryTerm } = core.log;
  if (core.storedIndex === index) return NOTHING;
  return [{ type: 'tellSelf', message: { type: 'entriesWritten', index, entryTerm } }];
}

function twoLeaders(): never {
  assert(false, 'a term has at most one leader');
}

const NOTHING: readonly DurableEffect[] = [];

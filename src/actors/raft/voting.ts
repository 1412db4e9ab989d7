/**
 * Asking for votes and giving them, which is the same in every role that does it (Raft §5.2, §5.4.1; thesis §9.6).
 * A vote, and a request for one, goes out only once the term and the voter's own vote are durable.
 */

import { term as asTerm, type NodeId } from '../../ids.js';
import { foundersOf, foundsAnother } from './founding.js';
import type { RequestPreVote, RequestVote } from './messages.js';
import { resetElectionDeadline, type Core } from './state.js';

/** Has this node heard from a leader, or started, so lately that it must not help to depose one? */
export function hasRecentLeader(core: Core): boolean {
  return core.role.name === 'leader' || core.nowMs - core.leaderContactMs < core.options.electionTimeoutMs[0];
}

export function askForPreVotes(core: Core): void {
  const { group, self } = core.options;
  const campaignTerm = asTerm(core.term + 1);
  const { lastIndex: lastLogIndex, lastTerm: lastLogTerm } = core.log;
  const founders = foundersOf(core);
  for (const to of otherVoters(core)) {
    core.effects.push({
      type: 'send',
      to,
      message: {
        type: 'requestPreVote',
        group,
        from: self,
        term: core.term,
        campaignTerm,
        lastLogIndex,
        lastLogTerm,
        founders,
      },
    });
  }
}

/** A candidate's own vote, which leads to its election where no other is needed. */
export function voteForSelf(core: Core): void {
  const { group, self } = core.options;
  core.votedFor = self;
  core.afterStore.push({
    type: 'tellSelf',
    message: { type: 'requestVoteReply', group, from: self, term: core.term, voteGranted: true },
  });
}

export function askForVotes(core: Core, leadershipTransfer: boolean): void {
  const { group, self } = core.options;
  const { lastIndex: lastLogIndex, lastTerm: lastLogTerm } = core.log;
  const founders = foundersOf(core);
  for (const to of otherVoters(core)) {
    core.afterStore.push({
      type: 'send',
      to,
      message: {
        type: 'requestVote',
        group,
        from: self,
        term: core.term,
        lastLogIndex,
        lastLogTerm,
        leadershipTransfer,
        founders,
      },
    });
  }
}

/** Changes nothing in this node: granting binds it to nothing. */
export function answerPreVote(core: Core, message: RequestPreVote): void {
  const { group, self } = core.options;
  const { campaignTerm } = message;
  const isWelcome = isUpToDate(core, message) && !foundsAnother(core, message);
  const voteGranted = campaignTerm > core.term && !hasRecentLeader(core) && isWelcome;
  core.effects.push({
    type: 'send',
    to: message.from,
    message: { type: 'requestPreVoteReply', group, from: self, term: core.term, campaignTerm, voteGranted },
  });
}

/** Called with a request of the current term; votes at most once in it. */
export function answerVote(core: Core, message: RequestVote, mayGrant: boolean): void {
  const { group, self } = core.options;
  const isFree = core.votedFor === null || core.votedFor === message.from;
  const voteGranted = mayGrant && isFree && isUpToDate(core, message) && !foundsAnother(core, message);
  if (voteGranted) {
    if (core.votedFor === null) core.isHardStateDirty = true;
    core.votedFor = message.from;
    resetElectionDeadline(core);
  }
  core.afterStore.push({
    type: 'send',
    to: message.from,
    message: { type: 'requestVoteReply', group, from: self, term: core.term, voteGranted },
  });
}

/** Is the candidate's log at least as up to date as this node's (§5.4.1)? */
function isUpToDate(core: Core, candidate: RequestPreVote | RequestVote): boolean {
  const { lastTerm, lastIndex } = core.log;
  if (candidate.lastLogTerm !== lastTerm) return candidate.lastLogTerm > lastTerm;
  return candidate.lastLogIndex >= lastIndex;
}

function otherVoters(core: Core): NodeId[] {
  return core.configurations.current.electors.filter((id) => id !== core.options.self);
}

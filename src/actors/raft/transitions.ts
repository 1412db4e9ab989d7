/**
 * The changes of role, and which of them are legal (Raft figure 4, with the roles of this implementation). Each makes
 * the new role's record; `step` puts it in place and checks it against the table.
 */

import { assert } from '../../assert.js';
import { logIndex, term as asTerm, type Incarnation, type NodeId, type Term } from '../../ids.js';
import { foundingConfiguration, takeVote } from './admitting.js';
import { trackPeers } from './changing.js';
import { configurationContent } from './configuration-entry.js';
import { EntryKind, type Content } from './entry.js';
import type { Progress } from './progress.js';
import {
  FOLLOWER,
  resetElectionDeadline,
  timestampOf,
  type Candidate,
  type Core,
  type Follower,
  type Leader,
  type PreCandidate,
  type RoleName,
} from './state.js';
import { askForPreVotes, askForVotes, voteForSelf } from './voting.js';

/** From each role, the roles that one step may lead to. */
export const LEGAL_TRANSITIONS: Readonly<Record<RoleName, ReadonlySet<RoleName>>> = {
  follower: new Set<RoleName>(['follower', 'preCandidate', 'candidate', 'receivingSnapshot']),
  preCandidate: new Set<RoleName>(['follower', 'preCandidate', 'candidate', 'receivingSnapshot']),
  candidate: new Set<RoleName>(['follower', 'preCandidate', 'candidate', 'leader', 'receivingSnapshot']),
  // A leader never campaigns: it steps down first, and what it learns then may come with a snapshot.
  leader: new Set<RoleName>(['leader', 'follower', 'receivingSnapshot']),
  receivingSnapshot: new Set<RoleName>(['receivingSnapshot', 'follower', 'preCandidate', 'candidate']),
};

/** Moves to a later term. Forgets the vote and the leader of the old one. */
export function adoptTerm(core: Core, term: Term): void {
  assert(term > core.term, 'term never goes down');
  setLeader(core, null);
  core.term = term;
  core.votedFor = null;
  core.isHardStateDirty = true;
}

export function becomeFollower(core: Core, leader: NodeId | null): Follower {
  setLeader(core, leader);
  resetElectionDeadline(core);
  return FOLLOWER;
}

/** Records who leads, and makes what waited for an answer of another one ask again. */
export function setLeader(core: Core, leader: NodeId | null): void {
  if (leader === core.leader) return;
  core.leader = leader;
  core.leaderCommitMs = -Infinity;
  core.reads.forgetTickets();
  if (leader === null) return;
  core.submissions.rewind();
  core.submissionProgressMs = core.nowMs;
  core.submissionRetryMs = core.options.electionTimeoutMs[1];
}

/** Asks whether an election would succeed; with a quorum of its own vote only, goes on at once. */
export function becomePreCandidate(core: Core): PreCandidate | Candidate {
  setLeader(core, null);
  resetElectionDeadline(core);
  const granted = new Map<NodeId, Incarnation>();
  if (takeVote(core, granted, core.options.self)) return becomeCandidate(core, false);
  askForPreVotes(core);
  return { name: 'preCandidate', granted };
}

/** Starts an election (§5.2). The node's own vote counts as any other does: once it is durable. */
export function becomeCandidate(core: Core, leadershipTransfer: boolean): Candidate {
  adoptTerm(core, asTerm(core.term + 1));
  resetElectionDeadline(core);
  voteForSelf(core);
  askForVotes(core, leadershipTransfer);
  return { name: 'candidate', granted: new Map() };
}

/**
 * Begins to lead: an entry of its own term first, for only such ones are committed by counting (§5.4.2, §8). Where
 * there is no cluster yet, that entry founds it with those who have voted.
 */
export function becomeLeader(core: Core, granted: ReadonlyMap<NodeId, Incarnation>): Leader {
  const { log, options, nowMs, wallMs } = core;
  const nextIndex = logIndex(log.lastIndex + 1);
  const peers = new Map<NodeId, Progress>();
  trackPeers(core, peers, nextIndex);
  setLeader(core, options.self);
  const first = core.configurations.isFounded ? NOOP : configurationContent(foundingConfiguration(core, granted));
  const noopIndex = log.append(first, core.term, timestampOf(core));
  if (first !== NOOP) core.configurations.appended(noopIndex, first.payload);
  return {
    name: 'leader',
    peers,
    noopIndex,
    codeVersion: 0,
    durableIndex: logIndex(0),
    round: 0,
    roundsStartedAtMs: [],
    roundsStartedAtWallMs: [],
    quorumRound: 0,
    quorumRoundStartedAtMs: nowMs,
    quorumRoundStartedAtWallMs: wallMs,
    nextHeartbeatMs: nowMs,
    hasNewAcks: true,
    hasTicked: false,
    isLeaseVoid: false,
    remoteReads: [],
    held: [],
    heldBytes: 0,
  };
}

/** The CRC-32 of nothing is 0. */
const NOOP: Content = { kind: EntryKind.noop, payload: new Uint8Array(0), crc: 0 };

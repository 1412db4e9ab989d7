/**
 * The engine on one screen. One node in one Raft group is a `Core`; `step` is the only door to it:
 *
 *   message ──► is it for us? ──► gate on the term, once ──► the role's handler ──► is the transition legal?
 *                                                              │                        │
 *                                                              └── mutates the core,    └── invariants, role news
 *                                                                  adds effects
 *
 * A role is a total table of handlers (roles/). Handlers only gather; the message `flush`, which ends each batch, sends
 * what has been gathered: one request to storage, few messages to each peer, one commit. Effects are plain data that
 * the shell carries out in order (effects.ts). Nothing here knows a clock, a disk or a network.
 */

import { assert } from '../../assert.js';
import { refuseStale } from './appending.js';
import { isObserverId } from '../../ids.js';
import type { Effect } from './effects.js';
import type { Handlers } from './handlers.js';
import { isMember } from './configuration.js';
import { assertInvariants } from './invariants.js';
import type { LocalMessage, PeerMessage, RaftMessage } from './messages.js';
import { candidate } from './roles/candidate.js';
import { follower } from './roles/follower.js';
import { leader } from './roles/leader.js';
import { preCandidate } from './roles/pre-candidate.js';
import { receivingSnapshot } from './roles/receiving-snapshot.js';
import type { Core, Role, RoleName } from './state.js';
import { adoptTerm, becomeFollower, LEGAL_TRANSITIONS } from './transitions.js';
import { answerVote, hasRecentLeader } from './voting.js';

const ROLES: { readonly [Name in RoleName]: Handlers<Extract<Role, { readonly name: Name }>> } = {
  follower,
  preCandidate,
  candidate,
  leader,
  receivingSnapshot,
};

/**
 * Takes one message. Effects are added to those that `takeEffects` hands over.
 *
 * @param nowMs a clock that never runs backwards
 * @param wallMs milliseconds since 1970
 * @throws ConclaveError `ERR_PROTOCOL` when a peer's message is malformed; the core goes on, and has learned of it no
 *   more than the sender's term. `ERR_ASSERTION` when an invariant is broken; the core must not be used any more.
 */
export function step(core: Core, message: RaftMessage, nowMs: number, wallMs: number): void {
  assert(nowMs >= core.nowMs, 'the clock never runs backwards');
  core.nowMs = nowMs;
  core.wallMs = wallMs;
  if (isFromPeer(message) && !passesGate(core, message)) return;
  const before = core.role;
  const { commitIndex, term } = core;
  const after = dispatch(core, before, message);
  assert(LEGAL_TRANSITIONS[before.name].has(after.name), `${before.name} may become ${after.name}`);
  core.role = after;
  assertInvariants(core, term, commitIndex);
  announce(core, message.type === 'flush');
}

/** Hands over the effects in the order in which they are to be carried out. Valid until the next call. */
export function takeEffects(core: Core): readonly Effect[] {
  const taken = core.effects;
  if (taken.length === 0) return NOTHING;
  core.effects = core.spareEffects;
  core.effects.length = 0;
  core.spareEffects = taken;
  return taken;
}

const NOTHING: readonly Effect[] = [];

function dispatch(core: Core, role: Role, message: RaftMessage): Role {
  // The table is indexed by the role's own name, so handler, role and message belong together.
  const handler = ROLES[role.name][message.type] as (core: Core, role: Role, message: RaftMessage) => Role;
  return handler(core, role, message);
}

function isFromPeer(message: RaftMessage): message is PeerMessage {
  return (message as PeerMessage | (LocalMessage & { readonly group?: undefined })).group !== undefined;
}

/** Is the message to be handled? Before it is, a later term is adopted, and an earlier one told off (Raft §5.1). */
function passesGate(core: Core, message: PeerMessage): boolean {
  if (message.group !== core.options.group) return false;
  if (!isMember(core.configurations.current, message.from)) {
    const passes = judgeStranger(core, message);
    if (passes !== null) return passes;
  }
  if (message.term > core.term) return passesWithLaterTerm(core, message);
  if (message.term < core.term) return passesWithEarlierTerm(core, message);
  return true;
}

function passesWithLaterTerm(core: Core, message: PeerMessage): boolean {
  switch (message.type) {
    case 'requestPreVote':
      // Asking binds nobody, and so moves nobody to another term.
      return true;
    case 'requestVote':
      // Whoever hears its leader does not help to depose it (thesis §6.2), unless the leader has asked for that.
      if (!message.leadershipTransfer && hasRecentLeader(core)) return false;
      break;
    case 'requestPreVoteReply':
      // A pre-vote granted is of this term or an earlier one; one refused may tell of a later one.
      if (message.voteGranted) return false;
      break;
    case 'changeReply':
    case 'versionReply':
    case 'transferReply':
    case 'membersKnown':
      // These mean the same in any term, and whoever says so may be alone in its own, having stood in vain: one who
      // only follows could go on with no other leader, and no leader gives way to an observer.
      return true;
    default:
  }
  adoptTerm(core, message.term);
  core.role = becomeFollower(core, null);
  return true;
}

function passesWithEarlierTerm(core: Core, message: PeerMessage): boolean {
  switch (message.type) {
    case 'requestPreVote':
    // A submission or a question of what there is means the same in any term, and so does an answer.
    case 'forward':
    case 'readIndex':
    case 'changeReply':
    case 'versionReply':
    case 'transferReply':
    // Whoever leads now refuses it, and says so.
    case 'changeRequest':
    case 'versionRequest':
    case 'transferRequest':
    // What is committed is so in any term.
    case 'membersKnown':
      return true;
    case 'requestPreVoteReply':
      return message.voteGranted;
    case 'requestVote':
      answerVote(core, message, false);
      return false;
    case 'appendEntries':
      // Its sender leads no more, or this node is stuck in a term of its own: either way the sender must hear of it.
      refuseStale(core, message);
      return false;
    default:
      return false;
  }
}

/**
 * A message of one who is no member, as far as this node knows. It may know less than the sender does: one that was let
 * in since may be elected, and by this very node. Those who only follow have no say in who leads nor in which term:
 * anybody who knows the cluster's name may do so, and what they learn of a later term they have from a member.
 *
 * @returns null: it goes by its term, as any message does.
 */
function judgeStranger(core: Core, message: PeerMessage): boolean | null {
  if (!core.connected.has(message.from)) return false;
  const isObserver = isObserverId(message.from);
  switch (message.type) {
    case 'forward':
    case 'readIndex':
    case 'changeRequest':
    case 'versionRequest':
    case 'transferRequest':
      return true;
    case 'changeReply':
    case 'versionReply':
    case 'transferReply':
    case 'membersKnown':
      return !isObserver;
    case 'appendEntriesReply':
    case 'installSnapshotReply':
      return message.term === core.term;
    case 'timeoutNow':
    case 'readIndexReply':
      return !isObserver && message.term === core.term;
    case 'requestPreVoteReply':
    case 'requestVoteReply':
      return false;
    case 'appendEntries':
    case 'installSnapshot':
      // Two leaders of one term are of two groups.
      return isObserver || (message.term === core.term && core.leader !== null && core.leader !== message.from)
        ? false
        : null;
    case 'requestPreVote':
    case 'requestVote':
      return isObserver ? false : null;
  }
}

/** Tells of a new role, term, leader or commit index; of the last only at the end of a batch. */
function announce(core: Core, isFlush: boolean): void {
  const { announced, role, term, leader: known } = core;
  if (announced.role !== role.name || announced.term !== term || announced.leader !== known) {
    core.announced = { role: role.name, term, leader: known };
    core.effects.push({ type: 'roleChanged', role: role.name, term, leader: known });
  }
  if (isFlush && core.commitIndex > core.announcedCommit) {
    core.announcedCommit = core.commitIndex;
    core.effects.push({ type: 'commit', index: core.commitIndex });
  }
}

/**
 * How a leader keeps its peers' logs like its own (Raft §5.3): what to send to whom at the end of a batch, and what to
 * make of the answers. Entries follow each other without waiting for replies; a commit index rides on the next entries,
 * and travels alone only where nothing else is under way.
 */

import { assert } from '../../assert.js';
import { logIndex, type LogIndex } from '../../ids.js';
import { counts } from './admitting.js';
import type { AppendEntriesReply } from './messages.js';
import type { Progress } from './progress.js';
import { committedIndex } from './quorum.js';
import type { Core, Leader } from './state.js';

/** Sends each peer what it lacks and may be sent. */
export function replicate(core: Core, leader: Leader, isTick: boolean): void {
  for (const peer of leader.peers.values()) replicateTo(core, leader, peer, isTick);
}

function replicateTo(core: Core, leader: Leader, peer: Progress, isTick: boolean): void {
  const { log, options } = core;
  if (peer.nextIndex < log.firstIndex && peer.maySend) offerSnapshot(core, leader, peer);
  let hasSent = false;
  while (peer.maySend && peer.nextIndex <= log.lastIndex) {
    const { bytes, lastIndex } = log.slice(peer.nextIndex, log.lastIndex, options.limits.appendBytesMax);
    sendAppend(core, leader, peer, bytes);
    peer.sent(lastIndex, bytes.length);
    hasSent = true;
  }
  if (hasSent) return;
  if (peer.state === 'probe' && !peer.isProbeSent) {
    // There is nothing to send, but whether the logs match is unknown.
    sendAppend(core, leader, peer, NOTHING);
    peer.isProbeSent = true;
  } else if (peer.sentRound < leader.round || isOwedCommit(core, peer, isTick)) {
    sendAppend(core, leader, peer, NOTHING);
  }
}

/** Is the peer to be told of the commit index, although there is nothing else to tell? */
function isOwedCommit(core: Core, peer: Progress, isTick: boolean): boolean {
  if (peer.sentCommit >= core.commitIndex || peer.state !== 'replicate') return false;
  // Its own callers wait: at once. Otherwise entries that follow will carry it, or the next tick.
  return peer.sentCommit < peer.wantedCommit || (isTick && peer.isIdle);
}

function sendAppend(core: Core, leader: Leader, peer: Progress, entries: Uint8Array): void {
  const { log, options } = core;
  // A peer that awaits a snapshot has nothing that matches but what it has acknowledged.
  const prevLogIndex = peer.state === 'snapshot' ? peer.matchIndex : logIndex(peer.nextIndex - 1);
  peer.sentRound = leader.round;
  peer.sentCommit = core.commitIndex;
  core.effects.push({
    type: 'send',
    to: peer.id,
    message: {
      type: 'appendEntries',
      group: options.group,
      from: options.self,
      term: core.term,
      session: peer.session,
      round: leader.round,
      prevLogIndex,
      prevLogTerm: log.termAt(prevLogIndex) ?? ZERO_TERM,
      leaderCommit: core.commitIndex,
      entries,
    },
  });
}

function offerSnapshot(core: Core, leader: Leader, peer: Progress): void {
  peer.becomeSnapshot();
  core.effects.push({
    type: 'sendSnapshot',
    to: peer.id,
    session: peer.session,
    round: leader.round,
    term: core.term,
  });
}

/** Takes an answer of the current term. Stale and doubled ones change nothing. */
export function onReply(core: Core, leader: Leader, message: AppendEntriesReply): void {
  const peer = leader.peers.get(message.from);
  if (peer === undefined || peer.session !== message.session) return;
  if (message.round > leader.round) return;
  peer.answered(message.round, core.nowMs);
  leader.hasNewAcks = true;
  if (message.success) onMatch(core, peer, message.matchIndex);
  else onRefusal(core, peer, message);
}

function onMatch(core: Core, peer: Progress, matchIndex: LogIndex): void {
  if (matchIndex > core.log.lastIndex) return;
  const isNews = peer.matched(matchIndex);
  if (peer.state === 'probe' && (isNews || matchIndex === peer.nextIndex - 1)) peer.becomeReplicate();
  // It has the snapshot, and its reply that said so was lost.
  if (peer.state === 'snapshot' && peer.nextIndex >= core.log.firstIndex) peer.becomeReplicate();
  assert(peer.matchIndex < peer.nextIndex, 'matchIndex < nextIndex');
}

function onRefusal(
  core: Core,
  peer: Progress,
  { matchIndex: refused, conflictIndex, conflictTerm }: AppendEntriesReply,
): void {
  // A peer's bytes are not to be trusted with an index that the leader does not have.
  if (refused > core.log.lastIndex) return;
  const isStale = refused <= peer.matchIndex || (peer.state === 'probe' && refused !== peer.nextIndex - 1);
  if (isStale || peer.state === 'snapshot') return;
  const candidate = conflictTerm === 0 ? null : core.log.lastIndexWithTermAtMost(conflictTerm);
  const hasTerm = candidate !== null && core.log.termAt(candidate) === conflictTerm;
  const next = hasTerm ? candidate + 1 : conflictIndex;
  peer.becomeProbe(logIndex(Math.max(1, Math.min(next, refused))));
}

/** Looks at the acknowledgements: moves the commit index and the confirmed round. */
export function countAcks(core: Core, leader: Leader): void {
  if (!leader.hasNewAcks) return;
  leader.hasNewAcks = false;
  const { self } = core.options;
  const { electors, quorum } = core.configurations.current;
  const isCommitQuorum = (ids: ReadonlySet<typeof self>): boolean => quorum.isCommitQuorum(ids);
  const matchOf = (id: typeof self): number =>
    id === self ? leader.durableIndex : counts(core, id) ? (leader.peers.get(id)?.matchIndex ?? 0) : 0;
  const index = logIndex(committedIndex(electors, matchOf, isCommitQuorum));
  // Entries of earlier terms are committed by what follows them, never by counting (§5.4.2).
  if (index > core.commitIndex && core.log.termAt(index) === core.term) core.commitIndex = index;
  const roundOf = (id: typeof self): number =>
    id === self ? leader.round : counts(core, id) ? (leader.peers.get(id)?.ackedRound ?? 0) : 0;
  confirmRound(leader, committedIndex(electors, roundOf, isCommitQuorum));
}

function confirmRound(leader: Leader, round: number): void {
  const confirmed = round - leader.quorumRound;
  if (confirmed <= 0) return;
  leader.quorumRoundStartedAtMs = leader.roundsStartedAtMs[confirmed - 1]!;
  leader.quorumRoundStartedAtWallMs = leader.roundsStartedAtWallMs[confirmed - 1]!;
  leader.roundsStartedAtMs.splice(0, confirmed);
  leader.roundsStartedAtWallMs.splice(0, confirmed);
  leader.quorumRound = round;
}

/** Starts a round: every peer will be asked at the end of this batch. */
export function startRound(core: Core, leader: Leader): void {
  leader.round++;
  leader.roundsStartedAtMs.push(core.nowMs);
  leader.roundsStartedAtWallMs.push(core.wallMs);
  leader.hasNewAcks = true;
}

const NOTHING = new Uint8Array(0);
const ZERO_TERM = 0 as AppendEntriesReply['term'];

/**
 * Snapshots as consensus sees them (Raft §7): who needs one, who has got one. What is in them, and how it travels, is
 * not known here.
 */

import { logIndex } from '../../ids.js';
import type { InstallSnapshot, InstallSnapshotReply, SnapshotInstalled, SnapshotSent } from './messages.js';
import { FOLLOWER, type Core, type Leader, type Role } from './state.js';

/** A leader offers a snapshot. One that brings nothing new is acknowledged at once. */
export function receiveSnapshot(core: Core, role: Role, message: InstallSnapshot): Role {
  const { from, session, round, lastIncludedIndex, lastIncludedTerm } = message;
  if (lastIncludedIndex <= core.commitIndex) {
    acknowledge(core, message, core.commitIndex);
    return role.name === 'receivingSnapshot' ? role : FOLLOWER;
  }
  const isUnderWay = role.name === 'receivingSnapshot' && role.lastIncludedIndex === lastIncludedIndex;
  if (!isUnderWay) core.effects.push({ type: 'fetchSnapshot', from, lastIncludedIndex, lastIncludedTerm });
  return { name: 'receivingSnapshot', from, session, round, lastIncludedIndex };
}

/** The objects hold the snapshot, and it is durable: the log begins behind it. */
export function onSnapshotInstalled(core: Core, role: Role, message: SnapshotInstalled): Role {
  const { lastIncludedIndex, lastIncludedTerm } = message;
  if (lastIncludedIndex > core.commitIndex) {
    if (core.log.termAt(lastIncludedIndex) === lastIncludedTerm) core.log.compactTo(lastIncludedIndex);
    else core.log.resetTo(lastIncludedIndex, lastIncludedTerm);
    core.commitIndex = lastIncludedIndex;
    core.announcedCommit = lastIncludedIndex;
    core.lastApplied = lastIncludedIndex;
    // What storage was given of the replaced log does not count.
    core.storedIndex = logIndex(Math.min(Math.max(core.storedIndex, lastIncludedIndex), core.log.lastIndex));
  }
  if (role.name !== 'receivingSnapshot' || core.leader !== role.from) return role;
  if (lastIncludedIndex >= role.lastIncludedIndex) {
    acknowledge(core, role, lastIncludedIndex);
    return FOLLOWER;
  }
  return role;
}

/** The shell has offered a snapshot, or could not. */
export function onSnapshotSent(leader: Leader, { peer: id, session }: SnapshotSent): void {
  const peer = leader.peers.get(id);
  if (peer === undefined || peer.session !== session || peer.state !== 'snapshot') return;
  // Whether the peer holds it is known only from the peer's own reply. Until that comes, each heartbeat offers it again:
  // the peer may have crashed meanwhile, and one that is still at it takes no notice.
  peer.becomeProbe(peer.nextIndex);
  peer.isProbeSent = true;
}

/** A peer holds a snapshot. */
export function onInstallReply(core: Core, leader: Leader, message: InstallSnapshotReply): void {
  const peer = leader.peers.get(message.from);
  if (peer === undefined || peer.session !== message.session || message.round > leader.round) return;
  peer.ackedRound = Math.max(peer.ackedRound, message.round);
  leader.hasNewAcks = true;
  if (message.lastIncludedIndex > core.log.lastIndex) return;
  const isNews = peer.matched(message.lastIncludedIndex);
  // Where the log has been compacted further in the meantime, another snapshot will be offered.
  if (isNews && peer.state !== 'replicate') peer.becomeReplicate();
}

function acknowledge(
  core: Core,
  {
    from: to,
    session,
    round,
  }: { readonly from: InstallSnapshot['from']; readonly session: number; readonly round: number },
  lastIncludedIndex: InstallSnapshotReply['lastIncludedIndex'],
): void {
  const { group, self } = core.options;
  core.afterStore.push({
    type: 'send',
    to,
    message: { type: 'installSnapshotReply', group, from: self, term: core.term, session, round, lastIncludedIndex },
  });
}

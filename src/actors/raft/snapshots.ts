/**
 * Snapshots as consensus sees them (Raft §7): who needs one, who has got one. What is in them, and how it travels, is
 * not known here.
 */

import { assert } from '../../assert.js';
import { logIndex, type LastIncluded, type LogIndex } from '../../ids.js';
import { forgetStrangers } from './admitting.js';
import type { InstallSnapshot, InstallSnapshotReply, SnapshotInstalled, SnapshotSent } from './messages.js';
import { FOLLOWER, type Core, type Leader, type Role } from './state.js';
import { adoptTerm, becomeFollower } from './transitions.js';

/** A leader offers a snapshot. One that brings nothing new is acknowledged at once. */
export function receiveSnapshot(core: Core, role: Role, message: InstallSnapshot): Role {
  const { from, session, round, lastIncludedIndex, snapshotId, snapshotBytes } = message;
  if (lastIncludedIndex <= core.commitIndex) {
    acknowledge(core, message, core.commitIndex);
    return role.name === 'receivingSnapshot' ? role : FOLLOWER;
  }
  // Each time it is offered: fetching may have failed since, and a fetch under way takes no harm.
  const { lastIncludedTerm: term, lastIncludedTimestampMs: timestampMs } = message;
  const lastIncluded = { index: lastIncludedIndex, term, timestampMs };
  core.effects.push({ type: 'fetchSnapshot', from, lastIncluded, snapshotId, snapshotBytes });
  return { name: 'receivingSnapshot', from, session, round, lastIncludedIndex };
}

/** The objects hold the snapshot, and it is durable: the log begins behind it. */
export function onSnapshotInstalled(core: Core, before: Role, message: SnapshotInstalled): Role {
  const { lastIncluded, configuration } = message;
  const { index: lastIncludedIndex } = lastIncluded;
  const role = inTermOf(core, before, lastIncluded);
  if (lastIncludedIndex > core.commitIndex) {
    const isHeld = core.log.termAt(lastIncludedIndex) === lastIncluded.term;
    if (isHeld) {
      core.log.dropTo(lastIncludedIndex);
      core.configurations.dropTo(lastIncludedIndex);
    } else {
      core.log.resetTo(lastIncluded);
      core.configurations.resetTo(configuration, lastIncludedIndex);
      forgetStrangers(core);
    }
    if (!isHeld || core.storedIndex < lastIncludedIndex) core.unstoredReset = lastIncluded;
    core.commitIndex = lastIncludedIndex;
    core.announcedCommit = lastIncludedIndex;
    core.lastApplied = lastIncludedIndex;
    // What storage was given of the replaced log does not count.
    core.storedIndex = isHeld ? logIndex(Math.max(core.storedIndex, lastIncludedIndex)) : lastIncludedIndex;
  }
  if (role.name !== 'receivingSnapshot' || core.leader !== role.from) return role;
  if (lastIncludedIndex >= role.lastIncludedIndex) {
    acknowledge(core, role, lastIncludedIndex);
    return FOLLOWER;
  }
  return role;
}

/**
 * A snapshot that is being received may become durable before the term in which it is; after a loss of power in
 * between, a start finds it so. This node cannot have voted in that term, for votes are stored.
 */
function inTermOf(core: Core, role: Role, { term }: LastIncluded): Role {
  if (term <= core.term) return role;
  adoptTerm(core, term);
  return becomeFollower(core, null);
}

/** What the log holds up to `index` is in a snapshot, and nobody needs it from the log any more. */
export function dropLogTo(core: Core, index: LogIndex): void {
  assert(index <= core.lastApplied, 'only what has been applied is dropped');
  core.log.dropTo(index);
  core.configurations.dropTo(index);
}

/** The shell has offered a snapshot, or could not. */
export function onSnapshotSent(leader: Leader, { peer: id, session }: SnapshotSent): void {
  const peer = leader.peers.get(id);
  if (peer === undefined || peer.session !== session || peer.state !== 'snapshot') return;
  // Whether the peer holds it is known only from the peer's own reply. Until that comes, each heartbeat offers it
  // again: the peer may have crashed meanwhile, and one that is still at it takes no notice.
  peer.becomeProbe(peer.nextIndex);
  peer.isProbeSent = true;
}

/** A peer holds a snapshot. */
export function onInstallReply(core: Core, leader: Leader, message: InstallSnapshotReply): void {
  const peer = leader.peers.get(message.from);
  if (peer === undefined || peer.session !== message.session || message.round > leader.round) return;
  peer.answered(message.round, core.nowMs);
  leader.hasNewAcks = true;
  if (message.lastIncludedIndex > core.log.lastIndex) return;
  const isNews = peer.matched(message.lastIncludedIndex);
  // Where the log has been shortened further in the meantime, another snapshot will be offered.
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

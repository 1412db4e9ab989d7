/**
 * Handing leadership over (Raft thesis §3.10): the leader stops appending, waits until the target has everything, and
 * tells it to campaign at once. Ends when the target leads, another node does, or the time is over.
 */

import type { NodeId } from '../../ids.js';
import { counts } from './admitting.js';
import { endTransfer, type TransferAsker } from './asking-leader.js';
import { bestSuccessor } from './changing.js';
import type { Core, Leader } from './state.js';
import { appendHeld } from './submitting.js';

export function startHandover(core: Core, leader: Leader, wanted: NodeId | null, asker: TransferAsker): void {
  if (core.handover !== null) return endTransfer(core, 'already under way', asker);
  const target = wanted ?? bestSuccessor(core, leader);
  if (target === null || !core.configurations.current.voters.includes(target)) {
    return endTransfer(core, 'no such voter', asker);
  }
  if (target === core.options.self) return endTransfer(core, null, asker);
  // One that the log does not admit, as it is now, could not lead.
  if (!counts(core, target)) return endTransfer(core, 'no such voter', asker);
  const deadlineMs = core.nowMs + core.options.electionTimeoutMs[1];
  core.handover = { target, term: core.term, deadlineMs, asker, isTimeoutNowSent: false };
}

/** Tells the target to campaign, once it has everything. */
export function continueHandover(core: Core, leader: Leader): void {
  const { handover } = core;
  if (handover === null || handover.isTimeoutNowSent) return;
  if (leader.peers.get(handover.target)?.matchIndex !== core.log.lastIndex) return;
  const { group, self } = core.options;
  handover.isTimeoutNowSent = true;
  leader.isLeaseVoid = true;
  core.effects.push({
    type: 'send',
    to: handover.target,
    message: { type: 'timeoutNow', group, from: self, term: core.term },
  });
}

/** Looks whether the handover has come to its end. Called in each flush, whatever the role has become. */
export function endHandover(core: Core): void {
  const { handover, role, leader, term } = core;
  if (handover === null) return;
  // In the term that it was begun in, nobody else can lead; in a later one it may be this node again, which hands over
  // nothing.
  if (leader !== null && term !== handover.term) {
    core.handover = null;
    endTransfer(core, leader === handover.target ? null : 'another node was elected', handover.asker);
  } else if (core.nowMs >= handover.deadlineMs) {
    core.handover = null;
    if (role.name === 'leader') appendHeld(core, role);
    endTransfer(core, 'timed out', handover.asker);
  }
}

/**
 * The way of this node's own submissions, and of those forwarded to it, into the leader's log.
 */

import { crc32 } from '../../checksum.js';
import { ConclaveError } from '../../errors.js';
import type { Forward } from './messages.js';
import { EntryKind, type Content } from './entry.js';
import { timestampOf, type Core, type Leader } from './state.js';

/** Past this, what is forwarded during a handover is let fall: its sender sends it again. */
const HELD_BYTES_MAX = 16 * 1024 * 1024;
/** However often a submission must be sent again, never more slowly than this. */
const RETRY_MS_MAX = 10_000;

/** Appends this node's own submissions, as its leader. */
export function appendSubmissions(core: Core): void {
  if (core.handover !== null || core.storageBehindSinceMs !== null) return;
  for (let next = core.submissions.next(); next !== null; next = core.submissions.next()) {
    core.log.append(next, core.term, timestampOf(core));
  }
}

/** Sends this node's own submissions to the leader, if one is known. */
export function forwardSubmissions(core: Core): void {
  if (core.leader === null) return;
  const { group, self } = core.options;
  if (!core.submissions.hasSent) core.submissionProgressMs = core.nowMs;
  for (let next = core.submissions.next(); next !== null; next = core.submissions.next()) {
    core.effects.push({
      type: 'send',
      to: core.leader,
      message: { type: 'forward', group, from: self, term: core.term, ...next },
    });
  }
}

/** A peer's submission, at the leader. */
export function onForward(core: Core, leader: Leader, message: Forward): void {
  const { from, kind, payload, crc } = message;
  if (kind !== EntryKind.block && kind !== EntryKind.session) return;
  // Its sender will send it again, and by then storage may have caught up.
  if (core.storageBehindSinceMs !== null) return;
  // What was damaged on its way must not get into every log.
  if (crc32(payload) !== crc) {
    throw new ConclaveError('ERR_PROTOCOL', `A submission of ${from} arrived damaged; it will be sent again.`);
  }
  const content = { kind, payload, crc };
  if (core.handover === null) {
    appendForwarded(core, leader, from, content);
  } else if (leader.heldBytes + payload.length <= HELD_BYTES_MAX) {
    leader.held.push({ from, content });
    leader.heldBytes += payload.length;
  }
}

/** The handover has failed: what was held back goes into the log after all. */
export function appendHeld(core: Core, leader: Leader): void {
  for (const { from, content } of leader.held) appendForwarded(core, leader, from, content);
  leader.held = [];
  leader.heldBytes = 0;
}

function appendForwarded(core: Core, leader: Leader, from: Forward['from'], content: Content): void {
  const index = core.log.append(content, core.term, timestampOf(core));
  const peer = leader.peers.get(from);
  if (peer !== undefined) peer.wantedCommit = index;
}

/** The objects have applied, or given up, the first `count` submissions. */
export function onSubmissionsApplied(core: Core, count: number): void {
  core.submissions.applied(count);
  core.submissionProgressMs = core.nowMs;
  core.submissionRetryMs = core.options.electionTimeoutMs[1];
}

/** Sends all again when nothing has been applied for long: a message must have been lost. */
export function retrySubmissions(core: Core): void {
  if (core.role.name === 'leader' || !core.submissions.hasSent) return;
  if (core.nowMs - core.submissionProgressMs < core.submissionRetryMs) return;
  core.submissions.rewind();
  core.submissionProgressMs = core.nowMs;
  core.submissionRetryMs = Math.min(2 * core.submissionRetryMs, RETRY_MS_MAX);
}

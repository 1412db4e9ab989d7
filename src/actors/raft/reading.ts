/**
 * Reading without writing (Raft thesis §6.4): a read may run at the leader's commit index once a quorum has confirmed,
 * after the read was made, that the leader still leads; or at once within the leader's lease (§6.4.1). All reads of one
 * batch share one round, and all those of a follower one question.
 */

import type { LogIndex } from '../../ids.js';
import type { ReadIndex } from './messages.js';
import type { PendingRead } from './pending-reads.js';
import { startRound } from './replication.js';
import type { Core, Leader, RemoteRead } from './state.js';

/** The part of the election timeout that the lease covers: the clocks of two machines may run 10 % apart. */
const LEASE_FRACTION = 0.9;

/** Gives the leader's waiting reads an index and a round, unless the lease covers them. */
export function assignReads(core: Core, leader: Leader): void {
  if (core.reads.isEmpty && leader.remoteReads.length === 0) return;
  // What earlier leaders have committed is known only once an entry of this term is (§8).
  if (core.commitIndex < leader.noopIndex) return;
  const hasLease = holdsLease(core, leader);
  const waiting: (PendingRead | RemoteRead)[] = [...core.reads.unasked(), ...unasked(leader.remoteReads)];
  let needsRound = false;
  for (const read of waiting) {
    read.index = core.commitIndex;
    if (read.lease && hasLease) {
      read.ticket = leader.quorumRound;
      continue;
    }
    read.ticket = leader.round + 1;
    needsRound = true;
  }
  if (needsRound) startRound(core, leader);
}

/** Lets go of the reads whose round has been confirmed. */
export function releaseReads(core: Core, leader: Leader): void {
  const isConfirmed = (read: PendingRead | RemoteRead): boolean =>
    read.ticket !== null && read.ticket <= leader.quorumRound;
  if (!core.reads.isEmpty) emitReady(core, core.reads.take(isConfirmed));
  if (leader.remoteReads.length > 0) {
    for (const read of leader.remoteReads.filter(isConfirmed)) answer(core, leader, read);
    leader.remoteReads = leader.remoteReads.filter((read) => !isConfirmed(read));
  }
}

/** A follower asks on behalf of its callers. */
export function onReadIndex(leader: Leader, message: ReadIndex): void {
  const { from, readId, lease } = message;
  if (leader.remoteReads.length >= REMOTE_READS_MAX) return;
  leader.remoteReads.push({ from, readId, lease, ticket: null, index: null });
}

/** Asks the leader, on a node that is not it: for new reads, and once more for those that have waited for long. */
export function askLeader(core: Core): void {
  if (core.reads.isEmpty || core.leader === null) return;
  const askedBeforeMs = core.nowMs - core.options.electionTimeoutMs[0];
  for (const lease of [false, true]) {
    const reads = core.reads.toAsk(lease, askedBeforeMs);
    if (reads.length === 0) continue;
    const readId = questionOf(++core.lastQuestion, lease);
    for (const read of reads) {
      read.ticket ??= readId;
      read.askedAtMs = core.nowMs;
    }
    const { group, self } = core.options;
    core.effects.push({
      type: 'send',
      to: core.leader,
      message: { type: 'readIndex', group, from: self, term: core.term, readId, lease },
    });
  }
}

/**
 * The leader has answered one of this node's questions: that answers every read that had been made by then, whichever
 * question it asked first. An answer from a lease answers only those that are content with one.
 */
export function onAnswer(core: Core, readId: number, index: LogIndex): void {
  // A question that has not been asked was asked by an earlier life of this node, before the reads of this one.
  if (readId > questionOf(core.lastQuestion, true)) return;
  const isFromLease = isLeaseQuestion(readId);
  const answered = core.reads.take(
    (read) => read.ticket !== null && read.ticket <= readId && (read.lease || !isFromLease),
  );
  if (answered.length > 0) core.effects.push({ type: 'readReady', readIds: idsOf(answered), index });
}

/** Gives up reads whose time is over. */
export function expireReads(core: Core): void {
  if (core.reads.isEmpty) return;
  const expired = core.reads.take((read) => read.expiresAtMs <= core.nowMs);
  if (expired.length > 0) core.effects.push({ type: 'readFailed', readIds: idsOf(expired) });
}

/** The number of a question: later ones have higher ones, and the last bit says whether a lease will do. */
function questionOf(count: number, lease: boolean): number {
  return 2 * count + (lease ? 1 : 0);
}

function isLeaseQuestion(readId: number): boolean {
  return readId % 2 === 1;
}

/** Is there certainly no other leader? No node that could elect one votes before this time is over. */
function holdsLease(core: Core, leader: Leader): boolean {
  if (core.handover !== null || leader.isLeaseVoid) return false;
  const leaseMs = core.options.electionTimeoutMs[0] * LEASE_FRACTION;
  // While a machine is suspended others elect, and only its calendar clock goes on, which may be set back: whichever of
  // the two has gone further counts.
  if (core.wallMs >= leader.quorumRoundStartedAtWallMs + leaseMs) return false;
  return core.nowMs < leader.quorumRoundStartedAtMs + leaseMs;
}

function emitReady(core: Core, reads: PendingRead[]): void {
  // Reads of one batch have one index; several batches may be released at once.
  for (let start = 0; start < reads.length;) {
    const index = reads[start]!.index!;
    let end = start + 1;
    while (end < reads.length && reads[end]!.index === index) end++;
    core.effects.push({ type: 'readReady', readIds: idsOf(reads.slice(start, end)), index });
    start = end;
  }
}

function answer(core: Core, leader: Leader, read: RemoteRead): void {
  const { group, self } = core.options;
  const readIndex = read.index!;
  const peer = leader.peers.get(read.from);
  if (peer !== undefined && peer.wantedCommit < readIndex) peer.wantedCommit = readIndex;
  core.effects.push({
    type: 'send',
    to: read.from,
    message: { type: 'readIndexReply', group, from: self, term: core.term, readId: read.readId, readIndex },
  });
}

function unasked(reads: RemoteRead[]): RemoteRead[] {
  return reads.filter((read) => read.ticket === null);
}

function idsOf(reads: readonly PendingRead[]): number[] {
  return reads.map((read) => read.readId);
}

/** Past this, a leader lets questions of followers fall: they ask again. */
const REMOTE_READS_MAX = 65_536;

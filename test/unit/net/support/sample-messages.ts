/**
 * One message of every type, total over the union: a new message cannot be forgotten by the tests.
 */

import { EntryKind } from '../../../../src/actors/raft/entry.js';
import type { PeerMessage } from '../../../../src/actors/raft/messages.js';
import { groupId, logIndex, term, type NodeId } from '../../../../src/ids.js';

type SampleOf = { readonly [Type in PeerMessage['type']]: Extract<PeerMessage, { type: Type }> };

export function sampleMessages(from: NodeId): SampleOf {
  const common = { group: groupId(7), from, term: term(5) };
  return {
    requestPreVote: {
      ...common,
      type: 'requestPreVote',
      campaignTerm: term(6),
      lastLogIndex: logIndex(300),
      lastLogTerm: term(4),
    },
    requestPreVoteReply: { ...common, type: 'requestPreVoteReply', campaignTerm: term(6), voteGranted: true },
    requestVote: {
      ...common,
      type: 'requestVote',
      lastLogIndex: logIndex(Number.MAX_SAFE_INTEGER),
      lastLogTerm: term(0),
      leadershipTransfer: true,
    },
    requestVoteReply: { ...common, type: 'requestVoteReply', voteGranted: false },
    appendEntries: {
      ...common,
      type: 'appendEntries',
      session: 70_000,
      round: 5_000_000_000,
      prevLogIndex: logIndex(128),
      prevLogTerm: term(127),
      leaderCommit: logIndex(100),
      entries: Uint8Array.of(1, 2, 3, 255),
    },
    appendEntriesReply: {
      ...common,
      type: 'appendEntriesReply',
      session: 1,
      round: 2,
      success: false,
      matchIndex: logIndex(3),
      conflictIndex: logIndex(4),
      conflictTerm: term(0),
    },
    installSnapshot: {
      ...common,
      type: 'installSnapshot',
      session: 1,
      round: 2,
      lastIncludedIndex: logIndex(3),
      lastIncludedTerm: term(4),
    },
    installSnapshotReply: {
      ...common,
      type: 'installSnapshotReply',
      session: 1,
      round: 2,
      lastIncludedIndex: logIndex(3),
    },
    timeoutNow: { ...common, type: 'timeoutNow' },
    readIndex: { ...common, type: 'readIndex', readId: 9, lease: true },
    readIndexReply: { ...common, type: 'readIndexReply', readId: 9, readIndex: logIndex(10) },
    forward: { ...common, type: 'forward', kind: EntryKind.block, payload: new Uint8Array(5_000).fill(170) },
  };
}

/** A small numbered message. */
export function numbered(from: NodeId, readId: number): PeerMessage {
  return { type: 'readIndex', group: groupId(0), from, term: term(1), readId, lease: false };
}

/** A numbered message with a payload of `bytes`. */
export function numberedBytes(from: NodeId, round: number, bytes: number): PeerMessage {
  return {
    type: 'appendEntries',
    group: groupId(0),
    from,
    term: term(1),
    session: 1,
    round,
    prevLogIndex: logIndex(0),
    prevLogTerm: term(0),
    leaderCommit: logIndex(0),
    entries: new Uint8Array(bytes).fill(round & 255),
  };
}

/** The number of a message made by either of the two above. */
export function numberOf(message: PeerMessage): number {
  if (message.type === 'readIndex') return message.readId;
  if (message.type === 'appendEntries') return message.round;
  throw new Error(`not a numbered message: ${message.type}`);
}

/**
 * One message of every type, total over the union: a new message cannot be forgotten by the tests.
 */

import { EntryKind } from '../../../../src/actors/raft/entry.js';
import { groupId, logIndex, nodeId, term, type NodeId } from '../../../../src/ids.js';
import type { NodeMessage } from '../../../../src/net/transport.js';

/** No piece of a snapshot is larger. */
export const PIECE_BYTES_MAX = 262_144;

type SampleOf = { readonly [Type in NodeMessage['type']]: Extract<NodeMessage, { type: Type }> };

export function sampleMessages(from: NodeId): SampleOf {
  const envelope = { group: groupId(7), from };
  const common = { ...envelope, term: term(5) };
  return {
    requestPreVote: {
      ...common,
      type: 'requestPreVote',
      campaignTerm: term(6),
      lastLogIndex: logIndex(300),
      lastLogTerm: term(4),
      founders: Uint8Array.of(97, 98),
    },
    requestPreVoteReply: { ...common, type: 'requestPreVoteReply', campaignTerm: term(6), voteGranted: true },
    requestVote: {
      ...common,
      type: 'requestVote',
      lastLogIndex: logIndex(Number.MAX_SAFE_INTEGER),
      lastLogTerm: term(0),
      leadershipTransfer: true,
      founders: new Uint8Array(0),
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
      lastIncludedTimestampMs: 1_700_000_000_000,
      snapshotId: '0123456789abcdef0123456789abcdef',
      snapshotBytes: 200_000_000,
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
    forward: {
      ...common,
      type: 'forward',
      kind: EntryKind.block,
      crc: 0xffff_ffff,
      payload: new Uint8Array(5_000).fill(170),
    },
    snapshotRequest: {
      ...envelope,
      type: 'snapshotRequest',
      snapshotId: 'f'.repeat(32),
      offset: 5_000_000_000,
      length: 262_144,
    },
    snapshotPiece: {
      ...envelope,
      type: 'snapshotPiece',
      snapshotId: '0'.repeat(32),
      offset: 262_144,
      crc: 0,
      bytes: new Uint8Array(5_000).fill(85),
    },
    changeRequest: {
      ...common,
      type: 'changeRequest',
      question: 4_000_000_000,
      add: nodeId(`${'n'.repeat(253)}:65535`),
      remove: null,
      knownIndex: logIndex(300),
    },
    changeReply: { ...common, type: 'changeReply', question: 9, refusal: 'under way', index: logIndex(0) },
    transferRequest: { ...common, type: 'transferRequest', question: 9, target: nodeId('[::1]:4321') },
    transferReply: { ...common, type: 'transferReply', question: 9, error: null },
    membersKnown: {
      ...common,
      type: 'membersKnown',
      commitIndex: logIndex(300),
      hasLeader: true,
      configuration: new Uint8Array(500).fill(123),
    },
    versionRequest: { ...common, type: 'versionRequest', question: 9, version: 1_000_000_000 },
    versionReply: { ...common, type: 'versionReply', question: 9, refusal: Uint8Array.of(123, 125) },
  };
}

/** A small numbered message. */
export function numbered(from: NodeId, readId: number): NodeMessage {
  return { type: 'readIndex', group: groupId(0), from, term: term(1), readId, lease: false };
}

/** The largest piece of a snapshot, numbered by its place, as a view of memory that threads share. */
export function numberedPiece(from: NodeId, offset: number): NodeMessage {
  const bytes = new Uint8Array(new SharedArrayBuffer(PIECE_BYTES_MAX + 100), 100).fill(offset & 255);
  return { type: 'snapshotPiece', group: groupId(0), from, snapshotId: 'e'.repeat(32), offset, crc: 7, bytes };
}

/** A numbered message with a payload of `bytes`. */
export function numberedBytes(from: NodeId, round: number, bytes: number): NodeMessage {
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

/** The number of a message made by one of those above. */
export function numberOf(message: NodeMessage): number {
  if (message.type === 'readIndex') return message.readId;
  if (message.type === 'appendEntries') return message.round;
  if (message.type === 'snapshotPiece') return message.offset;
  throw new Error(`not a numbered message: ${message.type}`);
}

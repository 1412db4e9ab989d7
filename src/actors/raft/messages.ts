/**
 * Every message that a Raft group handles, in two closed unions: what nodes say to each other (names are the paper's),
 * and what the node's own shell says to its core. Each message is declared with what must be durable before it is sent.
 */

import type { GroupId, Incarnation, LastIncluded, LogIndex, NodeId, Term } from '../../ids.js';
import type { Configuration } from './configuration.js';
import type { ChangeAnswer, TransferError } from './effects.js';
import type { Content, EntryKind } from './entry.js';

interface FromPeer {
  readonly group: GroupId;
  readonly from: NodeId;
  /** The sender's term. The core's gate looks at it before anything else. */
  readonly term: Term;
}

/** Would you vote for me in the term after mine? (Raft thesis §9.6.) Durable before: nothing. */
export interface RequestPreVote extends FromPeer {
  readonly type: 'requestPreVote';
  /** The term the sender would campaign in: `term + 1`. `term` itself is unchanged by asking. */
  readonly campaignTerm: Term;
  readonly lastLogIndex: LogIndex;
  readonly lastLogTerm: Term;
  /** With whom the sender would found a cluster, in the form of `foundersOf`. Empty: it knows one. */
  readonly founders: Uint8Array;
}

/** Durable before: nothing. */
export interface RequestPreVoteReply extends FromPeer {
  readonly type: 'requestPreVoteReply';
  readonly campaignTerm: Term;
  readonly voteGranted: boolean;
}

/** Durable before: the candidate's term and its vote for itself. */
export interface RequestVote extends FromPeer {
  readonly type: 'requestVote';
  readonly lastLogIndex: LogIndex;
  readonly lastLogTerm: Term;
  /** The leader asked for this election (thesis §3.10), so hearing from a leader is no reason to refuse. */
  readonly leadershipTransfer: boolean;
  /** As in `requestPreVote`. */
  readonly founders: Uint8Array;
}

/** Durable before: the voter's term and vote. */
export interface RequestVoteReply extends FromPeer {
  readonly type: 'requestVoteReply';
  readonly voteGranted: boolean;
}

/** Replicates entries and says that the leader lives. Durable before: the leader's term. */
export interface AppendEntries extends FromPeer {
  readonly type: 'appendEntries';
  /** Names the leader's current tracking of this peer; replies with another one are ignored. */
  readonly session: number;
  /** Counts the leader's rounds of asking "am I still leader?"; echoed, for read-index, lease and check-quorum. */
  readonly round: number;
  readonly prevLogIndex: LogIndex;
  readonly prevLogTerm: Term;
  readonly leaderCommit: LogIndex;
  /** Whole entries in their binary form, in order, the first one at `prevLogIndex + 1`. Empty: a heartbeat. */
  readonly entries: Uint8Array;
}

/** Durable before: the term and, if successful, every entry up to `matchIndex`. */
export interface AppendEntriesReply extends FromPeer {
  readonly type: 'appendEntriesReply';
  readonly session: number;
  readonly round: number;
  readonly success: boolean;
  /** If successful: the follower's log equals the leader's up to here. Otherwise: the `prevLogIndex` it refused. */
  readonly matchIndex: LogIndex;
  /** If refused: where the leader should look next (Raft §5.3), and the term there (0: the log is shorter). */
  readonly conflictIndex: LogIndex;
  readonly conflictTerm: Term;
}

/** Offers a snapshot to a follower whose next entry the leader no longer has. Durable before: the snapshot. */
export interface InstallSnapshot extends FromPeer {
  readonly type: 'installSnapshot';
  readonly session: number;
  readonly round: number;
  readonly lastIncludedIndex: LogIndex;
  readonly lastIncludedTerm: Term;
  readonly lastIncludedTimestampMs: number;
  /** Names its content, and its size: the follower asks for it in ranges of bytes. */
  readonly snapshotId: string;
  readonly snapshotBytes: number;
}

/** Durable before: the installed snapshot. */
export interface InstallSnapshotReply extends FromPeer {
  readonly type: 'installSnapshotReply';
  readonly session: number;
  readonly round: number;
  readonly lastIncludedIndex: LogIndex;
}

/** Campaign now, without waiting or asking first (thesis §3.10). Durable before: nothing. */
export interface TimeoutNow extends FromPeer {
  readonly type: 'timeoutNow';
}

/** A follower asks the leader for an index that a read must wait for (thesis §6.4). Durable before: nothing. */
export interface ReadIndex extends FromPeer {
  readonly type: 'readIndex';
  /** Chosen by the follower, echoed in the reply; unique in the follower's life. */
  readonly readId: number;
  /** May the leader answer from its lease? Otherwise it asks a quorum first. */
  readonly lease: boolean;
}

export interface ReadIndexReply extends FromPeer {
  readonly type: 'readIndexReply';
  readonly readId: number;
  readonly readIndex: LogIndex;
}

/**
 * Payloads that the sender wants appended, in this order. No reply: the sender sees them applied, or sends them again.
 */
export interface Forward extends FromPeer {
  readonly type: 'forward';
  readonly kind: EntryKind;
  readonly payload: Uint8Array;
  /** The CRC-32 of the payload. */
  readonly crc: number;
}

/** A caller of the sender wants the members changed, which only a leader does. Durable before: nothing. */
export interface ChangeRequest extends FromPeer, MembersChange {
  readonly type: 'changeRequest';
  /** Chosen by the sender, echoed in the reply; unique in the sender's life. */
  readonly question: number;
}

/**
 * Durable before: nothing. What is begun may still be cut off, as any entry may: `knownIndex` makes it safe to ask
 * again.
 */
export interface ChangeReply extends FromPeer, ChangeAnswer {
  readonly type: 'changeReply';
  readonly question: number;
}

/** A caller of the sender wants a code version in force, which only a leader brings about. Durable before: nothing. */
export interface VersionRequest extends FromPeer {
  readonly type: 'versionRequest';
  /** Chosen by the sender, echoed in the reply; unique in the sender's life. */
  readonly question: number;
  readonly version: number;
}

/**
 * Durable before: nothing. What is begun may still be cut off; a version is only ever raised, so it is safe to ask
 * again.
 */
export interface VersionReply extends FromPeer {
  readonly type: 'versionReply';
  readonly question: number;
  /** Why it was refused, in the form of `encodeVersionRefusal`. Empty: it has been begun, or was already. */
  readonly refusal: Uint8Array;
}

/** A caller of the sender wants leadership handed over. Durable before: nothing. */
export interface TransferRequest extends FromPeer {
  readonly type: 'transferRequest';
  readonly question: number;
  /** Null: whoever has the most of the log. */
  readonly target: NodeId | null;
}

/** Sent when the transfer has ended. Durable before: nothing. */
export interface TransferReply extends FromPeer {
  readonly type: 'transferReply';
  readonly question: number;
  /** Null: the other one leads. */
  readonly error: TransferError | null;
}

/**
 * Who the members are, for one who is connected and is none of them: only a leader sends it the log, and it may not be
 * connected to the leader. Durable before: nothing, for what is committed is.
 */
export interface MembersKnown extends FromPeer {
  readonly type: 'membersKnown';
  /** How far the sender knows the log to be committed. */
  readonly commitIndex: LogIndex;
  /** Has the sender just heard from a leader? Then it knows all but the latest. */
  readonly hasLeader: boolean;
  /** The configuration in effect there, as an entry has it. */
  readonly configuration: Uint8Array;
}

export type PeerMessage =
  | RequestPreVote
  | RequestPreVoteReply
  | RequestVote
  | RequestVoteReply
  | AppendEntries
  | AppendEntriesReply
  | InstallSnapshot
  | InstallSnapshotReply
  | TimeoutNow
  | ReadIndex
  | ReadIndexReply
  | Forward
  | ChangeRequest
  | ChangeReply
  | VersionRequest
  | VersionReply
  | TransferRequest
  | TransferReply
  | MembersKnown;

/**
 * A follower asks for a range of the file of a snapshot that it was offered. This and the answer never reach the core:
 * how a snapshot travels is not consensus' business.
 */
export interface SnapshotRequest {
  readonly type: 'snapshotRequest';
  readonly group: GroupId;
  readonly from: NodeId;
  readonly snapshotId: string;
  readonly offset: number;
  readonly length: number;
}

/** A range of a snapshot's file. Without bytes: there is no such snapshot here any more. */
export interface SnapshotPiece {
  readonly type: 'snapshotPiece';
  readonly group: GroupId;
  readonly from: NodeId;
  readonly snapshotId: string;
  readonly offset: number;
  /** The CRC-32 of the bytes. */
  readonly crc: number;
  readonly bytes: Uint8Array;
}

/** How a snapshot travels. */
export type TransferMessage = SnapshotRequest | SnapshotPiece;

/** Time has passed. Sent every few milliseconds; all deadlines of the core are looked at here. */
export interface Tick {
  readonly type: 'tick';
}

/** The node's own callers want a payload appended. It is kept until `submissionsApplied` lets it go. */
export interface Submit {
  readonly type: 'submit';
  readonly content: Content;
}

/** The first `count` payloads submitted and not yet let go have been applied here, or given up. */
export interface SubmissionsApplied {
  readonly type: 'submissionsApplied';
  readonly count: number;
}

/** The node's own objects refused a payload because one before it is missing: send all that is kept again. */
export interface SubmissionsRefused {
  readonly type: 'submissionsRefused';
}

/** The node's own callers want to read; answered by the effect `readReady` or `readFailed`. */
export interface Read {
  readonly type: 'read';
  readonly readId: number;
  readonly lease: boolean;
  readonly timeoutMs: number;
}

/** Storage has made durable what the effect `store` carried. */
export interface EntriesWritten {
  readonly type: 'entriesWritten';
  readonly index: LogIndex;
  /** The term of the entry at `index` when it was written; if the log says otherwise now, this is old news. */
  readonly entryTerm: Term;
}

/** The objects have applied everything up to `index`. */
export interface Applied {
  readonly type: 'applied';
  readonly index: LogIndex;
}

/** Hand leadership to `target`, or to the most up-to-date voter. Answered by the effect `transferEnded`. */
export interface TransferLeadership {
  readonly type: 'transferLeadership';
  readonly target: NodeId | null;
}

/** Add a member, remove one, or put one in another's place; not neither. */
export interface MembersChange {
  readonly add: NodeId | null;
  readonly remove: NodeId | null;
  /**
   * How much of the log was known when this was first wanted. If the log says behind it that the very same was begun,
   * it is not begun again: so it may be asked as often as it takes, of whichever leader there is.
   */
  readonly knownIndex: LogIndex;
}

/**
 * The node's own callers want the members changed. Answered by the effect `changeAnswered`: what is begun goes on by
 * itself.
 */
export interface ChangeMembers extends MembersChange {
  readonly type: 'changeMembers';
  readonly changeId: number;
}

/** Bring a version of the objects' code into force. Answered by the effect `versionAnswered`. */
export interface SetCodeVersion {
  readonly type: 'setCodeVersion';
  readonly changeId: number;
  readonly version: number;
}

/** The objects have applied an entry, or hold a snapshot, by which this version is in force. */
export interface CodeVersionApplied {
  readonly type: 'codeVersionApplied';
  readonly version: number;
}

/** A connection to `peer` stands: what was sent before may be lost. */
export interface PeerConnected {
  readonly type: 'peerConnected';
  readonly peer: NodeId;
  /** Every message of the peer until the next `peerConnected` is of this incarnation. */
  readonly incarnation: Incarnation;
  /** The highest version of the objects' code that it has. */
  readonly codeVersionMax: number;
}

/** The connection to `peer` is gone. Who is no member is forgotten by this. */
export interface PeerDisconnected {
  readonly type: 'peerDisconnected';
  readonly peer: NodeId;
}

/** What the effect `sendSnapshot` asked for has ended, well or not. */
export interface SnapshotSent {
  readonly type: 'snapshotSent';
  readonly peer: NodeId;
  readonly session: number;
}

/** This node's storage has fallen far behind what it was given, or has caught up. */
export interface StorageLag {
  readonly type: 'storageLag';
  readonly isBehind: boolean;
}

/** A snapshot that `installSnapshot` announced has been made durable and the objects hold it. */
export interface SnapshotInstalled {
  readonly type: 'snapshotInstalled';
  readonly lastIncluded: LastIncluded;
  /** Who was a member at its cut. */
  readonly configuration: Configuration | null;
}

/** The batch of messages has been handled: send what it has gathered. */
export interface Flush {
  readonly type: 'flush';
}

export type LocalMessage =
  | Tick
  | Submit
  | SubmissionsApplied
  | SubmissionsRefused
  | Read
  | EntriesWritten
  | StorageLag
  | Applied
  | TransferLeadership
  | ChangeMembers
  | SetCodeVersion
  | CodeVersionApplied
  | PeerConnected
  | PeerDisconnected
  | SnapshotSent
  | SnapshotInstalled
  | Flush;

export type RaftMessage = PeerMessage | LocalMessage;

export type MessageType = RaftMessage['type'];
export type MessageOf<Type extends MessageType> = Extract<RaftMessage, { readonly type: Type }>;

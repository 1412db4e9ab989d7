/**
 * What the core wants done, as plain data: a closed union that the shell carries out in order. What may happen only
 * after the disk has something travels inside `store`, and exists nowhere else: votes, vote requests and append
 * acknowledgements cannot be sent before they are true.
 */

import type { LastIncluded, LogIndex, NodeId, Term } from '../../ids.js';
import type { EntriesWritten, PeerMessage, RequestVoteReply } from './messages.js';
import type { RoleName } from './state.js';

/** Sends one message. May be lost, doubled or late: the protocol does not mind. */
export interface Send {
  readonly type: 'send';
  readonly to: NodeId;
  readonly message: PeerMessage;
}

/** What storage must make durable, in the order in which the effects were emitted, before it carries out `then`. */
export interface Store {
  readonly type: 'store';
  readonly hardState: HardState | null;
  /** Before anything is appended, the log begins anew behind this: a snapshot has taken its place. */
  readonly reset: LastIncluded | null;
  /** Entries to append, in their binary form; the first one replaces whatever was at its index and behind. */
  readonly append: AppendToLog | null;
  readonly then: readonly DurableEffect[];
}

export interface AppendToLog {
  readonly firstIndex: LogIndex;
  readonly lastIndex: LogIndex;
  readonly entries: Uint8Array;
}

/** What a node must not forget in its term (Raft figure 2). */
export interface HardState {
  readonly term: Term;
  readonly votedFor: NodeId | null;
}

/**
 * What may follow only on durability: a message to a peer, or news for the core itself: entries, its vote for itself.
 */
export type DurableEffect = Send | { readonly type: 'tellSelf'; readonly message: EntriesWritten | RequestVoteReply };

/** The commit index has moved: entries up to `index` may be applied. */
export interface Commit {
  readonly type: 'commit';
  readonly index: LogIndex;
}

/** These reads may run once everything up to `index` has been applied. */
export interface ReadReady {
  readonly type: 'readReady';
  readonly readIds: readonly number[];
  readonly index: LogIndex;
}

/** These reads found no leader that could confirm itself in time. They did not run. */
export interface ReadFailed {
  readonly type: 'readFailed';
  readonly readIds: readonly number[];
}

/** Role, term or leader has changed. */
export interface RoleChanged {
  readonly type: 'roleChanged';
  readonly role: RoleName;
  readonly term: Term;
  readonly leader: NodeId | null;
}

/** Why leadership was not handed over. */
export type TransferError =
  | 'no leader'
  | 'no such voter'
  | 'timed out'
  | 'already under way'
  | 'another node was elected';

/** A transfer of leadership has ended; `error` says why it failed. */
export interface TransferEnded {
  readonly type: 'transferEnded';
  readonly error: TransferError | null;
}

/** Why a change of members was not begun. Nothing was changed, but for `unanswered`. */
export type ChangeRefusal =
  /** None is known, or whoever was asked leads no more: ask again soon. */
  | 'no leader'
  /** The leader was asked, and does not answer: it may have been begun. Ask again with the same `knownIndex`. */
  | 'unanswered'
  /** What was changed behind `knownIndex` is not known any more. */
  | 'outdated'
  /** Another change is, or leadership is being handed over, or the leader is new: ask again soon. */
  | 'under way'
  | 'already a member'
  | 'no such member'
  | 'last voter'
  | 'too many voters'
  /** Too few of those that would be left are there for anything to be committed ever after. */
  | 'no quorum left';

/** What has become of a change of members that was asked for. */
export interface ChangeAnswer {
  /** Null: it has been begun. */
  readonly refusal: ChangeRefusal | null;
  /**
   * Where the log tells of it at the latest: whoever knows less cannot tell what has come of it. 0: it was refused, and
   * not as `outdated`.
   */
  readonly index: LogIndex;
}

/** A change of members has been begun, or refused. */
export interface ChangeAnswered extends ChangeAnswer {
  readonly type: 'changeAnswered';
  readonly changeId: number;
}

/** Why the code version was not raised. Nothing was changed. */
export type VersionRefusal =
  | { readonly reason: 'no leader' }
  /** The leader was asked and has not answered: it may have been begun. */
  | { readonly reason: 'unanswered' }
  /** Leadership is being handed over, or the leader is new: ask again soon. */
  | { readonly reason: 'under way' }
  | { readonly reason: 'lower'; readonly current: number }
  /** These have code up to another version only; null: that is not known. */
  | { readonly reason: 'unsupported'; readonly lacking: readonly (readonly [NodeId, max: number | null])[] };

/** A raise of the code version has been begun, or refused. */
export interface VersionAnswered {
  readonly type: 'versionAnswered';
  readonly changeId: number;
  readonly refusal: VersionRefusal | null;
}

/** This node is known to belong to the group no more. */
export interface Removed {
  readonly type: 'removed';
}

/** These are said to be members: one of them may lead. */
export interface Meet {
  readonly type: 'meet';
  readonly members: readonly NodeId[];
}

/** Another node would found a cluster with others than this one: with neither of them there will be one. */
export interface FoundersDiffer {
  readonly type: 'foundersDiffer';
  readonly from: NodeId;
  readonly founders: string;
}

/** The peer needs a snapshot; the shell answers with `snapshotSent`. */
export interface SendSnapshot {
  readonly type: 'sendSnapshot';
  readonly to: NodeId;
  readonly session: number;
  readonly round: number;
  readonly term: Term;
}

/**
 * The leader has announced this snapshot, once more perhaps: see to it that it is fetched and installed, then answer
 * with `snapshotInstalled`.
 */
export interface FetchSnapshot {
  readonly type: 'fetchSnapshot';
  readonly from: NodeId;
  readonly lastIncluded: LastIncluded;
  readonly snapshotId: string;
  readonly snapshotBytes: number;
}

export type Effect =
  | Send
  | Store
  | Commit
  | ReadReady
  | ReadFailed
  | RoleChanged
  | TransferEnded
  | ChangeAnswered
  | VersionAnswered
  | Removed
  | Meet
  | FoundersDiffer
  | SendSnapshot
  | FetchSnapshot;

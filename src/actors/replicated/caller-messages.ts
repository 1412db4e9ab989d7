/**
 * What the Caller receives, on the thread of the user's code: results from the objects, news from consensus. What comes
 * from a machine, or is about one, has the machine's number on its node.
 */

import type { PlainError } from '../../errors.js';
import type { LogIndex, NodeId, SessionId } from '../../ids.js';
import type { CoreStatus } from '../raft/status.js';
import type { SnapshotEvent } from '../snapshotter/snapshot-event.js';
import type { ChangeBatch } from './changes/change-batch.js';
import type { ChangePlace } from './changes/change-place.js';
import type { ResultBlock } from './results.js';

/**
 * Results of blocks of this node's session that call the machine's objects, in the order in which the blocks were sent.
 */
export interface CommandResults {
  readonly type: 'commandResults';
  readonly machine: number;
  /** What the objects had applied by then. */
  readonly appliedIndex: LogIndex;
  readonly blocks: readonly ResultBlock[];
}

/** Results of blocks of queries; `id` is the queryId. */
export interface QueryResults {
  readonly type: 'queryResults';
  readonly machine: number;
  /** What the objects had applied by then. */
  readonly appliedIndex: LogIndex;
  readonly blocks: readonly ResultBlock[];
}

/** These blocks of queries did not run: no leader could confirm itself in time. */
export interface QueriesFailed {
  readonly type: 'queriesFailed';
  readonly queryIds: readonly number[];
}

/**
 * The cluster has opened a session for this node, and the machine has come to that: commands for its objects may be
 * sent.
 */
export interface SessionOpened {
  readonly type: 'sessionOpened';
  readonly machine: number;
  readonly session: SessionId;
}

/** The cluster has forgotten this node's session: its commands are refused from where the machine is on. */
export interface SessionExpired {
  readonly type: 'sessionExpired';
  readonly machine: number;
  readonly session: SessionId;
}

/**
 * The objects have been given a snapshot instead of the log. What was applied before it and has not been answered will
 * not be answered any more.
 */
export interface SessionRestored {
  readonly type: 'sessionRestored';
  readonly machine: number;
  /** The last entry in the snapshot. */
  readonly index: LogIndex;
  /** This node's session in it; null: it has none there. */
  readonly session: SessionId | null;
  /** The session's commands below this have been applied. */
  readonly nextSeq: number;
}

/** The Snapshotter has something to tell. */
export interface SnapshotNews {
  readonly type: 'snapshotEvent';
  readonly event: SnapshotEvent;
}

/** What a node says of itself beside what its core does. */
export interface ShellStatus {
  readonly appliedIndex: LogIndex;
  /** The last entry in this node's newest snapshot; 0 if it has none. */
  readonly snapshotIndex: LogIndex;
  readonly connected: readonly NodeId[];
  /** Was this node a member of the cluster, and is it none any more? */
  readonly isRemoved: boolean;
}

/** The state of the node has changed. */
export interface NodeStatus extends CoreStatus, ShellStatus {
  readonly type: 'nodeStatus';
  readonly logBytes: number;
}

/** The objects have come to where this code version is in force; after a new start they come to earlier ones again. */
export interface CodeVersionRaised {
  readonly type: 'codeVersionRaised';
  readonly machine: number;
  readonly codeVersion: number;
}

/** The objects' thread has ended, and with it the queries that it was to run; another one is on its way. */
export interface MachineLost {
  readonly type: 'machineLost';
  readonly machine: number;
  readonly error: PlainError;
}

/** The objects stand again on a new thread, and are catching up with the log. */
export interface MachineBack {
  readonly type: 'machineBack';
  readonly machine: number;
}

/** A watch has begun. */
export interface WatchBegun {
  readonly type: 'watchBegun';
  readonly machine: number;
  readonly watchId: number;
  /** It is told of everything behind this place. */
  readonly at: ChangePlace;
  /** What lies between what it had seen and that. */
  readonly missed: ChangeBatch;
  /** What the query has returned that it asked to begin with. */
  readonly state: ResultBlock | null;
}

/** A watch cannot begin. */
export interface WatchRefused {
  readonly type: 'watchRefused';
  readonly machine: number;
  readonly watchId: number;
  readonly error: PlainError;
}

/** What has changed in objects that are watched. */
export interface WatchedChanges {
  readonly type: 'watchedChanges';
  readonly machine: number;
  /** What the objects had applied by then. */
  readonly appliedIndex: LogIndex;
  readonly changes: readonly (
    | { readonly object: string; readonly batch: ChangeBatch }
    | { readonly object: string; readonly lost: PlainError }
  )[];
}

/** Other objects have taken the place of those that were watched. */
export interface AllChangesLost {
  readonly type: 'allChangesLost';
  readonly machine: number;
}

export type CallerMessage =
  | CommandResults
  | QueryResults
  | QueriesFailed
  | SessionOpened
  | SessionExpired
  | SessionRestored
  | SnapshotNews
  | WatchBegun
  | WatchRefused
  | WatchedChanges
  | AllChangesLost
  | NodeStatus
  | CodeVersionRaised
  | MachineLost
  | MachineBack;

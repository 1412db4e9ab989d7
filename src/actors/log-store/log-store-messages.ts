/**
 * What the LogStoreActor receives: one actor on the storage thread keeps the logs of all groups of its node. Requests
 * of one group are made durable in the order in which they were told; one sync covers all that arrived during the last
 * one.
 */

import type { ActorAddress } from '../../runtime/actor.js';
import type { GroupId, LastIncluded, LogIndex } from '../../ids.js';
import type { HardState } from '../raft/effects.js';

/** Asked once for each group, before anything else: answered with a {@link RecoveredLog}. */
export interface RecoverLog {
  readonly type: 'recoverLog';
  readonly group: GroupId;
  /** The last entry of each snapshot that is kept, newest first. Entries up to the oldest one are not wanted. */
  readonly snapshots: readonly LastIncluded[];
  /** Who is told `logStored`. */
  readonly raft: ActorAddress;
}

/** What was found of a group's log. */
export interface RecoveredLog {
  /** Null: none was ever stored. */
  readonly hardState: HardState | null;
  /** The entry before the first one in `pieces`. */
  readonly base: LastIncluded;
  /** Whole entries in their binary form, from `base.index + 1` on without gaps. Transferred. */
  readonly pieces: readonly ArrayBuffer[];
}

/** A request of the group's core; see the effect `store`. */
export interface StoreLog {
  readonly type: 'storeLog';
  readonly group: GroupId;
  /** Counts the group's requests, from 1. */
  readonly request: number;
  readonly hardState: HardState | null;
  /** The log begins anew behind this: a snapshot has taken its place. Before `append`. */
  readonly reset: LastIncluded | null;
  readonly append: {
    readonly firstIndex: LogIndex;
    readonly lastIndex: LogIndex;
    /** Transferred. */
    readonly entries: ArrayBuffer;
  } | null;
}

/** Entries of the group up to `index` are in snapshots that are durable: their place on the disk may be used again. */
export interface DropLog {
  readonly type: 'dropLog';
  readonly group: GroupId;
  readonly index: LogIndex;
}

/** Asked: answered when all that was told before is durable, and the files are closed. */
export interface CloseLog {
  readonly type: 'closeLog';
}

/** Asked: answered with {@link LogStoreFigures}. */
export interface MeasureLog {
  readonly type: 'measure';
}

export interface LogStoreFigures {
  /** The size of all files of the log, with what was made ready in them and not been written to. */
  readonly bytes: number;
}

export type LogStoreMessage = RecoverLog | StoreLog | DropLog | CloseLog | MeasureLog;

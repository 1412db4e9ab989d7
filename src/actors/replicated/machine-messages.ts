/**
 * What the MachineActor receives: from consensus what has been committed and which queries may run, from the caller of
 * its own node the queries that need no consensus.
 */

import type { LogIndex } from '../../ids.js';
import type { SnapshotInfo } from '../../storage/snapshot-info.js';
import type { ChangeKey } from './changes/change-key.js';
import type { ChangePlace } from './changes/change-place.js';

/** Committed entries in their binary form, following those of the previous message to the same machine. Transferred. */
export interface ApplyEntries {
  readonly type: 'applyEntries';
  /** Which machine they are for, as their `machineReady` said. Those for another one are ignored. */
  readonly machineId: number;
  readonly entries: ArrayBuffer;
}

/** A block of queries that may run once `index` has been applied. Transferred. */
export interface RunQueries {
  readonly type: 'runQueries';
  readonly queryId: number;
  readonly index: LogIndex;
  readonly block: ArrayBuffer;
}

/** Asked once: answered when the objects have been loaded, or could not be. */
export interface StartMachine {
  readonly type: 'start';
}

/** The log no longer has what follows the snapshot that these objects hold: load the newest one. */
export interface ReloadMachine {
  readonly type: 'reload';
  /** As they have said: others may have taken their place since. */
  readonly machineId: number;
}

/** This snapshot has been fetched from the leader: it takes the place of what the objects hold. */
export interface InstallSnapshotFile {
  readonly type: 'installSnapshot';
  readonly snapshot: SnapshotInfo;
}

/** Asked: answered with {@link HashedState}, the content of every object as of now. */
export interface HashState {
  readonly type: 'hashState';
}

export interface HashedState {
  readonly index: LogIndex;
  /** The last entry in the snapshot that the objects have begun with; 0: they have begun with none. */
  readonly restoredIndex: LogIndex;
  /** By object: the SHA-256, in hex, of what a snapshot would hold of it. */
  readonly hashes: readonly (readonly [object: string, hash: string])[];
}

/** The caller is to be told what changes in an object, once `index` has been applied. */
export interface WatchChanges {
  readonly type: 'watchChanges';
  readonly watchId: number;
  readonly object: string;
  /** Undefined: all keys. */
  readonly key: ChangeKey | undefined;
  /** What it has seen already; null: it begins. */
  readonly from: ChangePlace | null;
  readonly index: LogIndex;
  /** A block of one query, which tells what the object is as the watch begins; null: that is not asked. Transferred. */
  readonly block: ArrayBuffer | null;
}

/** The caller is not to be told any more. */
export interface UnwatchChanges {
  readonly type: 'unwatchChanges';
  readonly watchId: number;
}

/** The caller has taken so much of the changes that it was sent. */
export interface ChangesTaken {
  readonly type: 'changesTaken';
  readonly bytes: number;
}

/** Asked: answered with {@link MachineFigures}. */
export interface MeasureMachine {
  readonly type: 'measure';
}

/** What there is to count of the objects since their thread was started. */
export interface MachineFigures {
  /** Commands that were run here, whoever has called them. */
  readonly commandsApplied: number;
  /** Of those, the ones that threw. */
  readonly commandsThrew: number;
}

export type MachineMessage =
  | ApplyEntries
  | RunQueries
  | StartMachine
  | ReloadMachine
  | InstallSnapshotFile
  | HashState
  | WatchChanges
  | UnwatchChanges
  | ChangesTaken
  | MeasureMachine;

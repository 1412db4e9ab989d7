/**
 * What the MachineActor receives: from consensus what has been committed and which queries may run, from the caller of
 * its own node the queries that need no consensus.
 */

import type { LogIndex } from '../../ids.js';
import type { SnapshotInfo } from '../../storage/snapshot-info.js';

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

/** The log no longer has what follows the snapshot that the objects hold: load the newest one. */
export interface ReloadMachine {
  readonly type: 'reload';
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
  /** By object: the SHA-256, in hex, of what a snapshot would hold of it. */
  readonly hashes: readonly (readonly [object: string, hash: string])[];
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
  | MeasureMachine;

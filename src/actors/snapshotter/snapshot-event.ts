/**
 * What becomes of a node's snapshots, as its own program is told: plain data, from the Snapshotter to the Caller, which
 * hands it on as an event. It changes nothing: what is lost of it, or late, does no harm.
 */

import type { PlainError } from '../../errors.js';

/** A snapshot is being taken: everything up to `index` will be in it. */
export interface SnapshotStarted {
  readonly type: 'started';
  readonly index: number;
}

/** How far that is; a few times in a second at most. */
export interface SnapshotProgress {
  readonly type: 'progress';
  readonly index: number;
  /** From 0 to 1, by estimate. Never goes down for one snapshot. */
  readonly fraction: number;
}

/** A snapshot is whole and, where there is a disk, durable. */
export interface SnapshotDone {
  readonly type: 'taken';
  readonly index: number;
  /** The size of the snapshot. */
  readonly bytes: number;
  /** The size of the state in it, before it was compressed. */
  readonly stateBytes: number;
  readonly durationMs: number;
}

/** A snapshot could not be taken, or not be fetched. The log is kept, and it will be tried again. */
export interface SnapshotFailed {
  readonly type: 'failed';
  readonly error: PlainError;
  /** Not before this time has passed. */
  readonly retryInMs: number;
}

/** This node is so far behind that it is being given the leader's snapshot. A few times in a second at most. */
export interface SnapshotReceiving {
  readonly type: 'receiving';
  readonly index: number;
  readonly receivedBytes: number;
  readonly bytes: number;
}

/** The objects hold the snapshot that this node was given. */
export interface SnapshotInstalled {
  readonly type: 'installed';
  readonly index: number;
  readonly bytes: number;
}

/**
 * What a snapshot holds of an object is not what the live object held at the same entry: one of its commands is not
 * deterministic. The snapshot is kept, for it says what the log says.
 */
export interface SnapshotDiverged {
  readonly type: 'diverged';
  readonly object: string;
  readonly index: number;
}

export type SnapshotEvent =
  | SnapshotStarted
  | SnapshotProgress
  | SnapshotDone
  | SnapshotFailed
  | SnapshotReceiving
  | SnapshotInstalled
  | SnapshotDiverged;

/**
 * What the Snapshotter receives: one actor for each node, on the storage thread, or beside consensus where nothing is
 * stored. It takes snapshots, keeps them, gives them to others and fetches them from others.
 */

import type { PlainError } from '../../errors.js';
import type { LastIncluded, LogIndex } from '../../ids.js';
import type { FetchSnapshot } from '../raft/effects.js';
import type { TransferMessage } from '../raft/messages.js';

/** Asked once, before anything else: answered with {@link OpenedSnapshots}. */
export interface OpenSnapshots {
  readonly type: 'openSnapshots';
}

/** What there was when the snapshots were opened. */
export interface OpenedSnapshots {
  /** Those that can be used, newest first. */
  readonly kept: readonly KeptSnapshot[];
  /** Why there are others, which the disk refuses to read; null: there are none. */
  readonly unreadable: PlainError | null;
  /** What is wrong with others, which are damaged; null: there are none. */
  readonly damaged: PlainError | null;
}

/** A snapshot that was found, as far as consensus must know it. */
export interface KeptSnapshot {
  readonly lastIncluded: LastIncluded;
  readonly snapshotId: string;
  readonly snapshotBytes: number;
  readonly configuration: Uint8Array | null;
}

/** Asked by the objects: answered with the `SnapshotInfo` of the newest snapshot, or null where there is none. */
export interface NewestSnapshot {
  readonly type: 'newestSnapshot';
  /** The ids of those that were found damaged: they are set aside, and the next older one is the newest. */
  readonly damaged: readonly string[];
  /** The ids of those that the disk refuses to read: they are passed over, and the next older one is the newest. */
  readonly unreadable: readonly string[];
}

/**
 * The objects have applied the log up to `index`, and it is stored up to there: a fold reads it from the disk, where
 * what is not durable yet may still be what it is to replace.
 */
export interface LogApplied {
  readonly type: 'logApplied';
  readonly index: LogIndex;
  /** Bytes of all entries that they have applied since the node started: counts how much a snapshot would save. */
  readonly bytes: number;
}

/** The node's place among the members, from 0, is another one, or there are more or fewer. */
export interface PlaceChanged {
  readonly type: 'placeChanged';
  readonly position: number;
  readonly membersCount: number;
}

/** Asked: take a snapshot now. Answered with its `LastIncluded`, or failed with `ERR_COMPACTION_FAILED`. */
export interface Compact {
  readonly type: 'compact';
  /**
   * What the asker knows to have been applied here: the snapshot has that, and all that this actor knows of. 0:
   * nothing.
   */
  readonly index: LogIndex;
}

/** Entries for a fold, where the log is in consensus' memory only; in order. */
export interface LogPiece {
  readonly type: 'logPiece';
  /** As in the `readLog` that asked for it. */
  readonly read: number;
  /** Transferred. Null: the log no longer has what was asked for. */
  readonly entries: ArrayBuffer | null;
  readonly isLast: boolean;
}

/** Consensus offers this snapshot to another node, perhaps not for the first time: it must not be removed meanwhile. */
export interface SnapshotOffered {
  readonly type: 'snapshotOffered';
  readonly snapshotId: string;
}

/** Asked: ends what is under way, removes drafts. Answered when nothing is left running. */
export interface CloseSnapshots {
  readonly type: 'closeSnapshots';
}

/** Asked: answered with {@link SnapshotFigures}. */
export interface MeasureSnapshots {
  readonly type: 'measure';
}

/** What there is to count of snapshots: of those taken here, since the node was started; of those kept, now. */
export interface SnapshotFigures {
  readonly taken: number;
  readonly failed: number;
  /** How long the last one took; null: none has been taken. */
  readonly lastDurationMs: number | null;
  /** The size of the newest one, and of all that are kept. */
  readonly newestBytes: number;
  readonly keptBytes: number;
}

export type SnapshotterMessage =
  | OpenSnapshots
  | NewestSnapshot
  | LogApplied
  | PlaceChanged
  | Compact
  | LogPiece
  | FetchSnapshot
  | SnapshotOffered
  | TransferMessage
  | CloseSnapshots
  | MeasureSnapshots;

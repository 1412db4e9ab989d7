/**
 * A fold: the previous snapshot with a range of the log applied to it is the next snapshot. A pure task, on whichever
 * thread it is run: what it needs comes in as plain data, what it makes goes out as a draft and plain data, and the
 * live objects know nothing of it.
 */

import { assert } from '../../assert.js';
import { ConclaveError } from '../../errors.js';
import { logIndex, type GroupId, type LogIndex } from '../../ids.js';
import type { ByteLocation } from '../../storage/byte-source.js';
import type { Disk } from '../../storage/disk.js';
import type { Pause } from '../../storage/pause.js';
import { openDraft, type DraftPlace, type SnapshotDraft } from '../../storage/snapshot-draft.js';
import type { SnapshotInfo } from '../../storage/snapshot-info.js';
import { SnapshotReader } from '../../storage/snapshot-reader.js';
import { SnapshotWriter, type SnapshotResult, type SnapshotSink } from '../../storage/snapshot-writer.js';
import { readLogRange } from '../log-store/log-range.js';
import type { ClassLoader } from '../replicated/class-loader.js';
import { loadClass } from '../replicated/loaded-class.js';
import { Machine } from '../replicated/machine.js';
import { objectHashes, restoreMachine, saveMachine } from '../replicated/machine-snapshot.js';
import { loadObject, type ResolvedObject } from '../replicated/object-definition.js';
import { ValueCodec } from '../replicated/value-codec.js';
import { cutEntries } from './cut-entries.js';

/** Where the entries of a fold are: in the files of the log, or in memory that is handed over. */
export type FoldLog =
  | {
      readonly kind: 'files';
      readonly directory: string;
      readonly group: GroupId;
      readonly firstIndex: LogIndex;
      readonly lastIndex: LogIndex;
    }
  | {
      readonly kind: 'memory';
      readonly firstIndex: LogIndex;
      readonly lastIndex: LogIndex;
      /** Whole entries, in order. Transferred. */
      readonly pieces: readonly ArrayBuffer[];
    };

/** Plain data: crosses threads. */
export interface FoldTask {
  readonly objects: readonly ResolvedObject[];
  readonly classes: readonly ResolvedObject[];
  readonly sessionsMax: number;
  /** The snapshot that ends before the first entry of `log`. Null: the log begins with its very first entry. */
  readonly previous: ByteLocation | null;
  readonly log: FoldLog;
  readonly draft: DraftPlace;
  /** Is the draft synced to the disk? */
  readonly isSynced: boolean;
}

/** Plain data: crosses threads. */
export interface FoldResult {
  /** The draft, finished. */
  readonly snapshot: SnapshotInfo;
  /** By object: the SHA-256, in hex, of what the snapshot holds of it. */
  readonly hashes: readonly (readonly [object: string, hash: string])[];
}

/** Told how far a fold is, from 0 to 1. */
export type OnProgress = (fraction: number) => void;

export interface FoldEnv {
  readonly disk: Disk;
  /** Default: the classes are loaded from their modules. */
  readonly classes?: ClassLoader;
  /** Asked after each piece of work. When it rejects, the fold does, and its draft is for the store to discard. */
  readonly pause: Pause;
  readonly onProgress: OnProgress;
}

/** Entries are applied in pieces of about this size between two pauses. */
const PIECE_BYTES = 32 * 1024;

/** How far a fold is when the previous snapshot has been read, and when the log has been applied. By rule of thumb. */
const RESTORED = 0.3;
const APPLIED = 0.6;

/**
 * Carries out a fold.
 *
 * @throws ConclaveError `ERR_STORAGE_CORRUPT` when the previous snapshot or the log is damaged, `ERR_STORAGE` when the
 *   disk refuses, `ERR_INVALID_OBJECT` or `ERR_STATE_NOT_ENCODABLE` when an object is not fit for it,
 *   `ERR_COMPACTION_FAILED` when there is no memory for the draft; and what `pause` rejects with.
 */
export async function fold(task: FoldTask, env: FoldEnv): Promise<FoldResult> {
  const machine = await restored(task, env);
  env.onProgress(RESTORED);
  await applyLog(machine, task.log, env);
  env.onProgress(APPLIED);
  const draft = openDraft(env.disk, task.draft, null);
  const { id, bytes, stateBytes } = await written(machine, draft, env);
  const location = draft.finish();
  env.onProgress(1);
  const { lastIncluded } = machine.save();
  const snapshot = { lastIncluded, id, bytes, stateBytes, location };
  return { snapshot, hashes: hashesAt(env.disk, location) };
}

/** A new machine, as the previous snapshot has it. */
async function restored(
  { objects, classes: creatable, sessionsMax, previous }: FoldTask,
  { disk, classes, pause }: FoldEnv,
): Promise<Machine> {
  const loaded = await Promise.all(objects.map((object) => loadObject(object, classes)));
  const loadedClasses = await Promise.all(creatable.map((each) => loadClass(each, classes)));
  const machine = new Machine({
    objects: loaded,
    classes: loadedClasses,
    life: null,
    sessionsMax,
    codec: new ValueCodec(),
  });
  if (previous === null) return machine;
  const reader = SnapshotReader.openAt(disk, previous);
  try {
    await restoreMachine(machine, reader, pause);
  } finally {
    reader.close();
  }
  return machine;
}

async function applyLog(machine: Machine, log: FoldLog, { disk, pause, onProgress }: FoldEnv): Promise<void> {
  const { firstIndex, lastIndex } = log;
  assert(machine.appliedIndex === firstIndex - 1, 'a fold goes on where the previous snapshot ends');
  const count = lastIndex - firstIndex + 1;
  for (const piece of piecesOf(log, disk)) {
    for (const entries of cutEntries(piece, PIECE_BYTES)) {
      machine.apply(entries, []);
      const pausing = pause();
      if (pausing !== undefined) await pausing;
    }
    onProgress(RESTORED + (APPLIED - RESTORED) * ((machine.appliedIndex - firstIndex + 1) / count));
  }
  if (machine.appliedIndex === lastIndex) return;
  throw new ConclaveError(
    'ERR_COMPACTION_FAILED',
    `The log was to be read up to entry ${lastIndex}, and ended with ${machine.appliedIndex}.`,
    { data: { lastIndex: logIndex(machine.appliedIndex) } },
  );
}

function piecesOf(log: FoldLog, disk: Disk): Iterable<Uint8Array> {
  if (log.kind === 'memory') return log.pieces.map((piece) => new Uint8Array(piece));
  return readLogRange(disk, log.directory, log.group, log.firstIndex, log.lastIndex);
}

async function written(machine: Machine, draft: SnapshotDraft, env: FoldEnv): Promise<SnapshotResult> {
  try {
    const writer = new SnapshotWriter(watched(draft, env.onProgress));
    await saveMachine(machine, writer, env.pause);
    const { lastIncluded, configuration, codeVersion } = machine.save();
    return writer.finish({ lastIncluded, codeVersion, configuration });
  } catch (error) {
    draft.abandon();
    throw error;
  }
}

/** Tells of progress while a draft of unknown size is written: each 16 MiB are half of what is left. */
function watched(draft: SnapshotDraft, onProgress: OnProgress): SnapshotSink {
  const halfBytes = 16 * 1024 * 1024;
  return {
    write: (buffers, position) => {
      draft.write(buffers, position);
      onProgress(1 - (1 - APPLIED) * 2 ** (-position / halfBytes));
    },
  };
}

function hashesAt(disk: Disk, location: ByteLocation): FoldResult['hashes'] {
  const reader = SnapshotReader.openAt(disk, location);
  try {
    return objectHashes(reader);
  } finally {
    reader.close();
  }
}

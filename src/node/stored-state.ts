/**
 * What a node finds on its disk when it starts, from those who keep it to consensus; and the orderly end of those. On
 * the thread that starts the node.
 */

import { ConclaveError, fromPlainError } from '../errors.js';
import { logIndex, term, type GroupId, type LastIncluded } from '../ids.js';
import type { ActorSystem } from '../runtime/actor-system.js';
import { JOIN_ANEW } from '../storage/join-anew.js';
import type { LogStoreMessage, RecoveredLog } from '../actors/log-store/log-store-messages.js';
import type { SnapshotTaken } from '../actors/raft/raft-actor-messages.js';
import type { KeptSnapshot, OpenedSnapshots, SnapshotterMessage } from '../actors/snapshotter/snapshotter-messages.js';
import type { NodeAddresses } from './placement.js';

/** What a node remembers. Plain data, with buffers to be transferred. */
export interface StoredState extends RecoveredLog {
  /** Who the members are at `base`; null: there is none before the log. */
  readonly configuration: Uint8Array | null;
  /** The newest snapshot; null: there is none. */
  readonly snapshot: SnapshotTaken | null;
}

/** Reading a log and its snapshots takes as long as there is much of it. */
const RECOVERY_TIMEOUT_MS = 10 * 60_000;
/** How long it may take to write what is under way, and to end a fold. */
const CLOSE_TIMEOUT_MS = 5_000;

const NOTHING_INCLUDED: LastIncluded = { index: logIndex(0), term: term(0), timestampMs: 0 };

/**
 * Asks the actors that keep log and snapshots for what they have. They must have been started.
 *
 * @throws ConclaveError `ERR_STORAGE`, `ERR_STORAGE_CORRUPT` or `ERR_DATA_DIR_MISMATCH`.
 */
export async function recoverState(
  main: ActorSystem,
  { snapshotter, logStore, raft }: NodeAddresses,
  group: GroupId,
  hasLog: boolean,
): Promise<StoredState | null> {
  const options = { timeoutMs: RECOVERY_TIMEOUT_MS };
  const { kept, unreadable, damaged } = await main
    .ref<SnapshotterMessage>(snapshotter)
    .ask<OpenedSnapshots>({ type: 'openSnapshots' }, options);
  if (!hasLog) return null;
  const snapshots = kept.map(({ lastIncluded }) => lastIncluded);
  // A first snapshot may be found damaged, and has no other behind it: all of the log is still there instead.
  if (kept.length === 1) snapshots.push(NOTHING_INCLUDED);
  const log = await main
    .ref<LogStoreMessage>(logStore)
    .ask<RecoveredLog>({ type: 'recoverLog', group, snapshots, raft }, options)
    .catch((error: unknown) => {
      // It may be what cannot be read that the log goes on from: that is no reason to empty the directory.
      throw unreadable === null || !isDisconnected(error) ? error : fromPlainError(unreadable);
    });
  // Nor is it one to begin with nothing, and damage is none either: a log that was dropped up to snapshots does not say
  // so.
  const missing = unreadable ?? damaged;
  if (missing !== null && isNothing(log)) throw fromPlainError(missing);
  return { ...log, configuration: configurationAt(log.base, kept), snapshot: newestOf(kept) };
}

function isNothing({ base, pieces }: RecoveredLog): boolean {
  return base.index === NOTHING_INCLUDED.index && pieces.length === 0;
}

function isDisconnected(error: unknown): boolean {
  return error instanceof ConclaveError && error.code === 'ERR_STORAGE_CORRUPT' && 'snapshotIndex' in error.data;
}

/** Lets the keepers finish. What they cannot do in time is lost, and nothing that was acknowledged. */
export async function closeState(
  main: ActorSystem,
  { snapshotter, logStore }: NodeAddresses,
  hasLog: boolean,
): Promise<void> {
  const options = { timeoutMs: CLOSE_TIMEOUT_MS };
  await main.ref<SnapshotterMessage>(snapshotter).ask({ type: 'closeSnapshots' }, options);
  if (hasLog) await main.ref<LogStoreMessage>(logStore).ask({ type: 'closeLog' }, options);
}

function newestOf(snapshots: readonly KeptSnapshot[]): SnapshotTaken | null {
  const [newest] = snapshots;
  if (newest === undefined) return null;
  const { lastIncluded, snapshotId, snapshotBytes } = newest;
  const oldestIndex = snapshots.length > 1 ? snapshots.at(-1)!.lastIncluded.index : NOTHING_INCLUDED.index;
  const keptIds = snapshots.map((each) => each.snapshotId);
  return { type: 'snapshotTaken', lastIncluded, snapshotId, snapshotBytes, oldestIndex, keptIds };
}

function configurationAt(base: LastIncluded, snapshots: readonly KeptSnapshot[]): Uint8Array | null {
  if (base.index === NOTHING_INCLUDED.index) return null;
  const found = snapshots.find(({ lastIncluded }) => lastIncluded.index === base.index);
  if (found !== undefined) return found.configuration;
  throw new ConclaveError(
    'ERR_STORAGE_CORRUPT',
    `The log begins behind entry ${base.index}, and there is no snapshot of it. To go on, ${JOIN_ANEW}`,
    { data: { index: base.index } },
  );
}

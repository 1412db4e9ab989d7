/**
 * Takes stock of the snapshots of a node when it starts: which can be used, and what is wrong with others. Part of the
 * Snapshotter.
 */

import { toPlainError, type PlainError } from '../../errors.js';
import type { Logger } from '../../runtime/logger.js';
import type { Disk } from '../../storage/disk.js';
import { MemorySnapshots } from '../../storage/memory-snapshots.js';
import { snapshotCorrupt } from '../../storage/snapshot-corrupt.js';
import { SnapshotFolder } from '../../storage/snapshot-folder.js';
import type { SnapshotInfo } from '../../storage/snapshot-info.js';
import { SnapshotReader } from '../../storage/snapshot-reader.js';
import type { SnapshotStore } from '../../storage/snapshot-store.js';
import { isUnreadable } from '../../storage/unreadable.js';
import type { KeptSnapshot, OpenedSnapshots } from './snapshotter-messages.js';

/**
 * Opens the snapshots in this directory; null: there are none, and those to come are kept in memory.
 *
 * @throws ConclaveError `ERR_STORAGE`, `ERR_DATA_DIR_MISMATCH`.
 */
export function openSnapshots(
  disk: Disk,
  directory: string | null,
  logger: Logger,
): OpenedSnapshots & { readonly store: SnapshotStore } {
  if (directory === null) return { store: new MemorySnapshots(), kept: [], unreadable: null, damaged: null };
  let unreadable: PlainError | null = null;
  const store = SnapshotFolder.open(disk, directory, (path, error) => {
    if (isUnreadable(error)) unreadable ??= toPlainError(error);
    const what = isUnreadable(error) ? 'cannot be read; it is left for the next start' : 'is damaged';
    logger.error({ path, error }, `a snapshot ${what}, and an older one takes its place`);
  });
  const kept = store.list().flatMap((snapshot) => describe(disk, store, snapshot));
  return { store, kept, unreadable, damaged: damageOf(store) };
}

function damageOf({ damagedPath }: SnapshotFolder): PlainError | null {
  return damagedPath === null ? null : toPlainError(snapshotCorrupt(damagedPath, 0, 'it has been set aside'));
}

/** None, if it cannot be read after all. */
function describe(disk: Disk, store: SnapshotStore, snapshot: SnapshotInfo): KeptSnapshot[] {
  const { lastIncluded, id: snapshotId, bytes: snapshotBytes, location } = snapshot;
  try {
    const reader = SnapshotReader.openAt(disk, location);
    try {
      return [{ lastIncluded, snapshotId, snapshotBytes, configuration: reader.manifest.configuration }];
    } finally {
      reader.close();
    }
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    store.passOver(snapshot, error);
    return [];
  }
}

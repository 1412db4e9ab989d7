/**
 * What a group goes on with at the start of a node: the entries of its log behind its oldest snapshot, if log and
 * snapshot belong together. Reads only.
 */

import { ConclaveError } from '../../errors.js';
import { logIndex, term, type GroupId, type LastIncluded } from '../../ids.js';
import type { Disk } from '../../storage/disk.js';
import { JOIN_ANEW } from '../../storage/join-anew.js';
import { EntryReader } from '../raft/entry.js';
import type { GroupLog } from './group-log.js';
import { readRuns } from './log-range.js';
import type { RecoveredLog } from './log-store-messages.js';

export interface RecoveredGroup {
  readonly log: RecoveredLog;
  /**
   * The log is not that of the snapshot: it ends before it, or has another entry at its index. A snapshot was
   * installed, and a crash came before the log was reset; nothing of it is wanted, and it must be reset before it is
   * written to.
   */
  readonly isSuperseded: boolean;
}

/** Before the first entry of a log that begins at its beginning. */
const BEGINNING: LastIncluded = { index: logIndex(0), term: term(0), timestampMs: 0 };

/**
 * Reads the group's entries behind the oldest snapshot that the log is connected to, all into memory: behind one that
 * was installed, the log begins anew, and no older one is of use. `log` is what the scan has found of the group.
 *
 * @param snapshots the last entry of each, newest first; of the beginning of the log too, if that is one to begin from
 * @throws ConclaveError `ERR_STORAGE_CORRUPT` when entries between every snapshot and the log are missing;
 *   `ERR_STORAGE`.
 */
export function recoverGroup(
  disk: Disk,
  directory: string,
  group: GroupId,
  log: GroupLog,
  snapshots: readonly LastIncluded[],
): RecoveredGroup {
  const { firstIndex, lastIndex, hardState } = log;
  // A log of which nothing is known does not reach back to the beginning.
  const connected = snapshots.findLast(({ index }) => (firstIndex === null ? index > 0 : firstIndex <= index + 1));
  const snapshot = connected ?? snapshots[0] ?? null;
  const base = snapshot ?? BEGINNING;
  if (firstIndex === null || lastIndex === null) {
    return { log: { hardState, base, pieces: [] }, isSuperseded: snapshot !== null };
  }
  if (firstIndex > base.index + 1) throw notConnected(directory, group, firstIndex, base.index);
  const read = (from: number, to: number) => readRuns(disk, directory, group, log.runs, from, to, false);
  const termThere = lastIndex < base.index ? null : termAt(base.index, log, read);
  if (lastIndex < base.index || (termThere !== null && termThere !== base.term)) {
    return { log: { hardState, base, pieces: [] }, isSuperseded: true };
  }
  const pieces = Array.from(read(base.index + 1, lastIndex), ({ buffer }) => buffer);
  return { log: { hardState, base, pieces }, isSuperseded: false };
}

/** The term of the entry at `index`, which is in the log or right before it; null: the log does not say. */
function termAt(index: number, log: GroupLog, read: (from: number, to: number) => Iterable<Uint8Array>): number | null {
  if (index === log.base?.index) return log.base.term;
  if (index < log.firstIndex!) return null;
  const entries = new EntryReader();
  for (const piece of read(index, index)) {
    entries.reset(piece);
    if (entries.next()) return entries.term;
  }
  return null;
}

function notConnected(directory: string, group: number, firstIndex: number, snapshotIndex: number): ConclaveError {
  const reason =
    snapshotIndex === 0 ? 'there is no snapshot of what is before it' : `the snapshot ends with ${snapshotIndex}`;
  return new ConclaveError(
    'ERR_STORAGE_CORRUPT',
    `The log of group ${group} in ${directory} begins with entry ${firstIndex}, and ${reason}: what lies between is ` +
      `missing. To go on, ${JOIN_ANEW}`,
    { data: { path: directory, offset: 0, group, firstIndex, snapshotIndex } },
  );
}

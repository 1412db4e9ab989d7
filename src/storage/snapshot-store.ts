/**
 * The port behind which a group's snapshots are: which there are, and how one more becomes one of them. The durable one
 * is `SnapshotFolder`, the one in memory `MemorySnapshots`. Belongs to the actor that compacts and receives, on its
 * thread; drafts may be written on others.
 */

import type { ByteSource } from './byte-source.js';
import type { DraftPlace } from './snapshot-draft.js';
import type { SnapshotInfo } from './snapshot-info.js';

/**
 * Every method may throw ConclaveError `ERR_STORAGE` where files are.
 *
 * A snapshot comes to be in four steps: `newDraft` names a place; whoever folds or receives writes it there
 * (`openDraft`), on any thread; what it says of it when it has finished, as plain data, goes to `publish`; or the place
 * goes to `discard`.
 */
export interface SnapshotStore {
  /** Those that can be used, newest first. */
  list(): readonly SnapshotInfo[];
  /** A place for a snapshot to be written. It is free of other drafts. */
  newDraft(): DraftPlace;
  /**
   * Makes a draft that was finished a snapshot, atomically: whatever happens, there is the whole of it or none. Its
   * `location` is where the draft lies; the answer's is where the snapshot does. Once this returns it is durable.
   */
  publish(draft: SnapshotInfo): SnapshotInfo;
  /** Removes a draft that will not be published, if there is one. Nobody may be writing it any more. */
  discard(place: DraftPlace): void;
  /**
   * Removes all but the newest `count`. Of the others those remain that `isPinned` holds fast, until a later call:
   * somebody is reading them.
   */
  keepNewest(count: number, isPinned: (snapshot: SnapshotInfo) => boolean): void;
  /** Takes from the list a snapshot that was found damaged. It is used no more, and does not count for `keepNewest`. */
  setAside(snapshot: SnapshotInfo, error: unknown): void;
  /**
   * Takes from the list a snapshot that the disk refuses to read. It may be readable tomorrow: it stays where it is
   * until newer ones have taken its place, does not count for `keepNewest` meanwhile, and is looked at again at the
   * next start.
   */
  passOver(snapshot: SnapshotInfo, error: unknown): void;
  /** The bytes of a snapshot. To be closed. */
  open(snapshot: SnapshotInfo): ByteSource;
}

/**
 * The order of a list: newest first. Two of the same entry are put in the order of their ids, the same on every node.
 */
export function newestFirst(a: SnapshotInfo, b: SnapshotInfo): number {
  return (
    b.lastIncluded.index - a.lastIncluded.index ||
    b.lastIncluded.term - a.lastIncluded.term ||
    (a.id < b.id ? -1 : Number(a.id > b.id))
  );
}

/**
 * The snapshots of one group as files of one directory. Owns the directory: nobody else creates, renames or removes in
 * it, but for drafts, which are written where this said. Each step leaves, if power is lost in the middle of it, what
 * the next `open` can go on with; blocks its thread while the disk works.
 */

import { join } from 'node:path';
import { assert } from '../assert.js';
import { asError, ConclaveError } from '../errors.js';
import type { ByteSource } from './byte-source.js';
import type { Disk } from './disk.js';
import type { DraftPlace } from './snapshot-draft.js';
import { snapshotCorrupt } from './snapshot-corrupt.js';
import type { SnapshotInfo } from './snapshot-info.js';
import { SnapshotReader } from './snapshot-reader.js';
import { newestFirst, type SnapshotStore } from './snapshot-store.js';

/** Told once of each snapshot that cannot be used, and of where its file is now. */
export type OnUnusableSnapshot = (path: string, error: unknown) => void;

/** Index, term and id; the index is padded so that a listing is in order. */
const SNAPSHOT_NAME = /^(\d{16})-(\d+)-([0-9a-f]{32})\.snapshot$/;
const BAD_SUFFIX = '.bad';
const BAD_NAME = /^(\d{16})-\d+-[0-9a-f]{32}\.snapshot\.bad$/;
const DRAFT_SUFFIX = '.draft';

/** Of the whole thread: an actor that was started again must not share a draft with what its former self had begun. */
let draftCount = 0;

/**
 * A snapshot that is found damaged, here when its ends are read or by whoever reads the rest, is renamed to `*.bad`: it
 * is never used again, and an operator may look at it. One that the disk refuses to read keeps its name, for it may be
 * read at the next start. Either is removed once as many newer ones as `keepNewest` keeps are there.
 */
export class SnapshotFolder implements SnapshotStore {
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #onUnusable: OnUnusableSnapshot;
  /** Newest first. */
  #snapshots: readonly SnapshotInfo[] = [];
  /** Paths of snapshots that are damaged or cannot be read, with the index that each stands at. */
  readonly #unusable = new Map<string, number>();

  private constructor(disk: Disk, directory: string, onUnusable: OnUnusableSnapshot) {
    this.#disk = disk;
    this.#directory = directory;
    this.#onUnusable = onUnusable;
  }

  /**
   * Creates the directory or takes stock of it: removes drafts that were never finished, sets aside what is damaged,
   * and passes over what cannot be read.
   *
   * @throws ConclaveError `ERR_DATA_DIR_MISMATCH` when a newer version has written a snapshot, `ERR_STORAGE` when the
   * disk refuses anything else than to read one.
   */
  static open(disk: Disk, directory: string, onUnusable: OnUnusableSnapshot): SnapshotFolder {
    const folder = new SnapshotFolder(disk, directory, onUnusable);
    disk.makeDirectory(directory);
    const names = disk.list(directory);
    const drafts = names.filter((name) => name.endsWith(DRAFT_SUFFIX));
    for (const draft of drafts) disk.remove(join(directory, draft));
    // The process before may have ended between giving a snapshot its name and making that durable, and the log will be
    // dropped on the strength of what is found here.
    if (names.length > 0) disk.syncDirectory(directory);
    for (const name of names) folder.#takeStock(name);
    return folder;
  }

  list(): readonly SnapshotInfo[] {
    return this.#snapshots;
  }

  /** Where one lies that was found damaged, at this start or an earlier one; null: there is none. */
  get damagedPath(): string | null {
    for (const path of this.#unusable.keys()) if (path.endsWith(BAD_SUFFIX)) return path;
    return null;
  }

  newDraft(): DraftPlace {
    draftCount += 1;
    return { kind: 'file', path: join(this.#directory, `${String(draftCount).padStart(12, '0')}${DRAFT_SUFFIX}`) };
  }

  publish(draft: SnapshotInfo): SnapshotInfo {
    const path = join(this.#directory, fileName(draft));
    this.#disk.rename(pathOf(draft), path);
    this.#disk.syncDirectory(this.#directory);
    const published: SnapshotInfo = { ...draft, location: { kind: 'file', path } };
    this.#unusable.delete(path);
    // The same snapshot may have been published before, under the same name.
    this.#snapshots = [published, ...this.#snapshots.filter((each) => pathOf(each) !== path)].sort(newestFirst);
    return published;
  }

  discard(place: DraftPlace): void {
    assert(place.kind === 'file', 'a folder holds files');
    if (!this.#disk.exists(place.path)) return;
    this.#disk.remove(place.path);
    this.#disk.syncDirectory(this.#directory);
  }

  keepNewest(count: number, isPinned: (snapshot: SnapshotInfo) => boolean): void {
    const gone = this.#snapshots.slice(count).filter((each) => !isPinned(each));
    const oldestKept = this.#snapshots[count - 1];
    const unusable = [...this.#unusable.keys()].filter(
      (path) => oldestKept !== undefined && this.#unusable.get(path)! < oldestKept.lastIncluded.index,
    );
    // One that cannot be removed is not in the way of the others, and is tried again the next time.
    const refusals: Error[] = [];
    const remove = (path: string, forget: () => void): void => {
      try {
        // Somebody may have looked at it and done so.
        if (this.#disk.exists(path)) this.#disk.remove(path);
        forget();
      } catch (error) {
        refusals.push(asError(error));
      }
    };
    for (const snapshot of gone) remove(pathOf(snapshot), () => this.#forget(snapshot));
    for (const path of unusable) remove(path, () => void this.#unusable.delete(path));
    if (gone.length + unusable.length > 0) this.#disk.syncDirectory(this.#directory);
    if (refusals.length > 0) throw refusals[0]!;
  }

  setAside(snapshot: SnapshotInfo, error: unknown): void {
    this.#forget(snapshot);
    this.#rename(pathOf(snapshot), snapshot.lastIncluded.index, error);
  }

  passOver(snapshot: SnapshotInfo, error: unknown): void {
    this.#forget(snapshot);
    this.#noteUnusable(pathOf(snapshot), snapshot.lastIncluded.index, error);
  }

  open(snapshot: SnapshotInfo): ByteSource {
    return this.#disk.open(pathOf(snapshot), 'read');
  }

  /** Something that lay in the directory when it was opened. What has another name than ours is not ours. */
  #takeStock(name: string): void {
    const path = join(this.#directory, name);
    const bad = BAD_NAME.exec(name);
    if (bad !== null) this.#unusable.set(path, Number(bad[1]));
    const match = SNAPSHOT_NAME.exec(name);
    if (match === null) return;
    try {
      const snapshot = this.#read(path, name);
      this.#snapshots = [...this.#snapshots, snapshot].sort(newestFirst);
    } catch (error) {
      if (!(error instanceof ConclaveError)) throw error;
      if (error.code === 'ERR_STORAGE_CORRUPT') this.#rename(path, Number(match[1]), error);
      else if (error.code === 'ERR_STORAGE') this.#noteUnusable(path, Number(match[1]), error);
      else throw error;
    }
  }

  #read(path: string, name: string): SnapshotInfo {
    const reader = SnapshotReader.openAt(this.#disk, { kind: 'file', path });
    try {
      const snapshot = reader.infoAt({ kind: 'file', path });
      if (fileName(snapshot) !== name) throw snapshotCorrupt(path, 0, 'it is not the snapshot that its name says');
      return snapshot;
    } finally {
      reader.close();
    }
  }

  #forget(snapshot: SnapshotInfo): void {
    this.#snapshots = this.#snapshots.filter((each) => each !== snapshot);
  }

  #rename(path: string, index: number, error: unknown): void {
    const badPath = path + BAD_SUFFIX;
    this.#disk.rename(path, badPath);
    this.#disk.syncDirectory(this.#directory);
    this.#noteUnusable(badPath, index, error);
  }

  #noteUnusable(path: string, index: number, error: unknown): void {
    this.#unusable.set(path, index);
    this.#onUnusable(path, error);
  }
}

function fileName({ lastIncluded, id }: SnapshotInfo): string {
  return `${String(lastIncluded.index).padStart(16, '0')}-${lastIncluded.term}-${id}.snapshot`;
}

function pathOf({ location }: SnapshotInfo): string {
  assert(location.kind === 'file', 'a folder holds files');
  return location.path;
}

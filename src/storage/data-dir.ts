/**
 * A node's data directory while the node runs: locked, known to be this node's own, with its directories in place.
 * Opened by the thread that starts the node and closed when everything that writes in it has stopped.
 */

import { DirectoryLock } from './directory-lock.js';
import { dataDirLayout, type DataDirLayout } from './data-dir-layout.js';
import type { Disk } from './disk.js';
import { readOrCreateIdentity, type NodeIdentity, type NodeName } from './node-identity.js';

/** What keeps others out of a data directory. */
export interface DataDirLock {
  /** The directory's real path. */
  readonly path: string;
  release(): Promise<void>;
}

/** What a data directory is opened with where it is not the machine's. */
export interface DataDirEnv {
  /** Locks the directory. Default: {@link DirectoryLock}. */
  readonly acquire?: (path: string) => Promise<DataDirLock>;
  /** 32 hex digits that nobody else has. Default: random. */
  readonly newIncarnation?: () => string;
}

export class DataDir {
  /** Real paths: they stay right when the working directory changes. */
  readonly layout: DataDirLayout;
  readonly identity: NodeIdentity;
  /** What it lies on. */
  readonly disk: Disk;
  readonly #lock: DataDirLock;

  private constructor(disk: Disk, layout: DataDirLayout, identity: NodeIdentity, lock: DataDirLock) {
    this.disk = disk;
    this.layout = layout;
    this.identity = identity;
    this.#lock = lock;
  }

  /**
   * Opens the data directory of the node of this name, and creates what is missing of it. Nothing stays locked when it
   * fails.
   *
   * @throws ConclaveError `ERR_DATA_DIR_LOCKED` when another process uses it, `ERR_DATA_DIR_MISMATCH` when it is not
   * this node's, `ERR_STORAGE_CORRUPT` when it is not known whose it is, `ERR_STORAGE` when the disk refuses.
   */
  static async open(disk: Disk, path: string, name: NodeName, env: DataDirEnv = {}): Promise<DataDir> {
    const { acquire = (directory) => DirectoryLock.acquire(directory), newIncarnation } = env;
    disk.makeDirectory(path);
    const lock = await acquire(path);
    try {
      const layout = dataDirLayout(lock.path);
      const identity = readOrCreateIdentity(disk, layout.path, name, newIncarnation);
      disk.makeDirectory(layout.log);
      disk.makeDirectory(layout.snapshots);
      return new DataDir(disk, layout, identity, lock);
    } catch (error) {
      await lock.release();
      throw error;
    }
  }

  /** Unlocks the directory. Never rejects; doing it again does nothing. */
  close(): Promise<void> {
    return this.#lock.release();
  }
}

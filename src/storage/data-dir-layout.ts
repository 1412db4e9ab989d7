/** Where in a data directory what lies: the one place that knows the names. */

import { join } from 'node:path';

export interface DataDirLayout {
  /** The data directory itself. */
  readonly path: string;
  /** Whose directory it is: `NodeIdentity`. */
  readonly node: string;
  /** The objects and commands that the log may speak of: `checkKnownObjects`. */
  readonly objects: string;
  /** The directory of the claims to it: `DirectoryLock`. */
  readonly lock: string;
  /** The directory of the write-ahead log. */
  readonly log: string;
  /** The directory of the snapshots. */
  readonly snapshots: string;
}

export function dataDirLayout(path: string): DataDirLayout {
  return {
    path,
    node: join(path, 'node.json'),
    objects: join(path, 'objects.json'),
    lock: join(path, 'LOCK'),
    log: join(path, 'log'),
    snapshots: join(path, 'snapshots'),
  };
}

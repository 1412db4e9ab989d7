/** What a node's log and snapshots take on disk. Runs in the parent, while the node goes on: files come and go. */

import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

export interface StoredBytes {
  readonly log: number;
  readonly snapshots: number;
}

export async function storedBytes(dataDir: string): Promise<StoredBytes> {
  const [log, snapshots] = await Promise.all([
    directoryBytes(join(dataDir, 'log')),
    directoryBytes(join(dataDir, 'snapshots')),
  ]);
  return { log, snapshots };
}

/** The sizes of all files in a directory, added up; of those that vanish meanwhile, none. */
async function directoryBytes(directory: string): Promise<number> {
  const sizes = (await readdir(directory)).map((name) =>
    stat(join(directory, name)).then(
      ({ size }) => size,
      (error: unknown) => {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
        return 0;
      },
    ),
  );
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

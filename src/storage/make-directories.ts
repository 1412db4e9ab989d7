/**
 * Makes a directory and what is missing above it, by synchronous calls, on the thread of its caller. Not by Node's own
 * `recursive: true`, which never returns where a file system has no room for directories and says so by `ENOENT`, as
 * /proc.
 */

import { existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/** Returns the topmost directory that was made, or undefined when all were there. Throws the system's error. */
export function makeDirectories(path: string): string | undefined {
  try {
    mkdirSync(path);
    return path;
  } catch (error) {
    const above = dirname(path);
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' && !existsSync(above)) {
      const topmost = makeDirectories(above);
      const made = makeDirectories(path);
      return topmost ?? made;
    }
    const known = statSync(path, { throwIfNoEntry: false });
    if (known?.isDirectory() === true) return undefined;
    throw known === undefined ? error : Object.assign(new Error(`${path} is no directory`), { code: 'ENOTDIR' });
  }
}

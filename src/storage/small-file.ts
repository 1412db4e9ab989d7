/**
 * A small file that is read whole, and replaced whole: whenever power is lost, it has its old content or its new one.
 * On the thread that starts the node; what the content means is its owner's affair.
 */

import type { Disk } from './disk.js';

/**
 * All of the file, or null when it has more than `bytesMax`.
 *
 * @throws ConclaveError `ERR_STORAGE`.
 */
export function readSmallFile(disk: Disk, path: string, bytesMax: number): Uint8Array | null {
  const file = disk.open(path, 'read');
  try {
    const size = file.size();
    if (size > bytesMax) return null;
    const bytes = new Uint8Array(size);
    return bytes.subarray(0, file.read(bytes, 0));
  } finally {
    file.close();
  }
}

/**
 * Gives the file this content. Durable once the directory has been synced, which is left to the caller.
 *
 * @throws ConclaveError `ERR_STORAGE`.
 */
export function replaceSmallFile(disk: Disk, path: string, text: string): void {
  const unnamed = `${path}.new`;
  // Of a start that was cut short.
  if (disk.exists(unnamed)) disk.remove(unnamed);
  const file = disk.open(unnamed, 'create');
  try {
    file.write([Buffer.from(text)], 0);
    file.sync();
  } finally {
    file.close();
  }
  disk.rename(unnamed, path);
}

/**
 * The content of live objects as hashes, the same as a snapshot of them has: what two of the same state agree on. On the
 * object thread, without a pause: the objects must not change meanwhile.
 */

import { createHash } from 'node:crypto';
import type { LoadedObject } from './object-definition.js';
import { writeState } from './state/write-state.js';

/** The SHA-256 of each object's state, as 64 hex digits. */
export async function hashObjects(objects: readonly LoadedObject[]): Promise<[object: string, hash: string][]> {
  const hashes: [string, string][] = [];
  for (const object of objects) {
    const hash = createHash('sha256');
    await writeState(
      object,
      (bytes) => hash.update(bytes),
      () => undefined,
    );
    hashes.push([object.name, hash.digest('hex')]);
  }
  return hashes;
}

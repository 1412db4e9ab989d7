/**
 * The content of live objects as hashes, the same as a snapshot of them has: what two of the same state agree on. On
 * the object thread, without a pause: the objects must not change meanwhile.
 */

import { createHash } from 'node:crypto';
import { createdPrefix } from './command-name.js';
import type { Machine } from './machine.js';
import { writeState } from './state/write-state.js';

/** The SHA-256 of each object's state, as 64 hex digits; objects are called as in {@link objectHashes}. */
export async function hashObjects({
  objects,
  created,
}: Pick<Machine, 'objects' | 'created'>): Promise<[object: string, hash: string][]> {
  const hashes: [string, string][] = [];
  const named = [
    ...objects.map((object) => [object.name, object] as const),
    ...created.map((object) => [createdPrefix(object.name), object] as const),
  ];
  for (const [name, object] of named) {
    const hash = createHash('sha256');
    await writeState(
      object,
      (bytes) => hash.update(bytes),
      () => undefined,
    );
    hashes.push([name, hash.digest('hex')]);
  }
  return hashes;
}

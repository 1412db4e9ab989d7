/**
 * What nodes compare in their hellos instead of their objects: a text that is the same where the objects are. Pure but
 * for hashing; knows nothing of what the objects do.
 */

import { createHash } from 'node:crypto';
import type { ResolvedObject } from '../actors/replicated/object-definition.js';

/** A longer text is replaced by its digest, so that a hello has room for it. In UTF-8. */
const TEXT_BYTES_MAX = 512;

/** The names of the objects, and of their methods with their kinds, in an order that does not depend on the node. */
export function objectsFingerprint(objects: readonly ResolvedObject[]): string {
  const described = objects.map(({ name, methods }) => {
    const kinds = [...methods].map(([method, kind]) => `${method}:${kind}`);
    return `${name}(${kinds.toSorted().join(' ')})`;
  });
  return textOrDigest(described.toSorted().join(' '));
}

/** The text itself when it is short, otherwise the hexadecimal SHA-256 of it. */
export function textOrDigest(text: string): string {
  return Buffer.byteLength(text) <= TEXT_BYTES_MAX ? text : createHash('sha256').update(text).digest('hex');
}

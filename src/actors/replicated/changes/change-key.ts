/**
 * What a change is filtered by: the same on the thread of the objects, which records, and on the caller's, which hands
 * out. Pure.
 */

/** What `watch` takes as a key: what is compared by value. */
export type ChangeKey = string | number | bigint | boolean;

/** The key of a change, as Map compares; undefined: it has none, and concerns every key. */
export function keyOfChange(change: unknown): ChangeKey | undefined {
  if (typeof change !== 'object' || change === null) return undefined;
  const { key } = change as { key?: unknown };
  return isChangeKey(key) ? key : undefined;
}

export function isChangeKey(key: unknown): key is ChangeKey {
  return typeof key === 'string' || typeof key === 'number' || typeof key === 'bigint' || typeof key === 'boolean';
}

/**
 * Tells most keys apart, and is the same for equal ones: not below 0. A number where a key would have to be kept alive.
 */
export function hashOfKey(key: ChangeKey): number {
  if (typeof key === 'number' && key >>> 1 === key) return key;
  // As Map compares: 0 for -0.
  const text = typeof key === 'string' ? key : String(key);
  let hash = text.length;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x0100_0193);
  return (hash ^ (hash >>> 15)) & 0x3fff_ffff;
}

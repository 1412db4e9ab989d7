/** What a change is filtered by: the same on the thread of the objects, which records, and on the caller's, which hands out. Pure. */

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

/** How many entries a replicated Map or Set may have. Pure. */

/**
 * Half of what a Map of the engine can hold at best. It can hold fewer where many entries have been removed, so that
 * with more than half it would depend on an object's past, which snapshots do not tell, whether there is room for
 * another one; and replicas would differ.
 */
export const ENTRIES_MAX = 0x80_0000;

/** @throws RangeError when there would be more entries than there may be. */
export function checkRoom(size: number, added: number): void {
  if (size + added <= ENTRIES_MAX) return;
  throw new RangeError(`There are at most ${ENTRIES_MAX} entries: no room for ${added} besides ${size}.`);
}

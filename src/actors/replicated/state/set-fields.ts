/**
 * The own fields of an instance put in place of those that its constructor made. Pure.
 */

/** The fields that a state has, in their order, and those that its instance was made with and had no more. */
export interface SavedFields {
  readonly keys: readonly string[];
  readonly values: readonly unknown[];
  readonly absent: readonly string[];
}

/**
 * Gives a fresh instance these enumerable fields, in this order. A field that it was made with and of which the state
 * does not know, for it was saved by older code, stays as it was made, where it would stand if it had always been
 * there. Fields that stand where they should are assigned; from the first that does not, they are removed, last one
 * first, and added anew: removing in that order leaves the instance in the engine's fast form.
 */
export function setFields(instance: object, saved: SavedFields): void {
  const present = Object.keys(instance);
  const { keys, values } = withNewFields(instance, present, saved);
  let same = 0;
  while (same < present.length && present[same] === keys[same]) same++;
  for (const key of present.slice(same).toReversed()) delete (instance as Record<string, unknown>)[key];
  for (let i = 0; i < keys.length; i++) {
    // Defined, not assigned: a class may inherit a setter of the same name.
    const value = values[i];
    Object.defineProperty(instance, keys[i]!, { value, writable: true, enumerable: true, configurable: true });
  }
}

function withNewFields(
  instance: object,
  made: readonly string[],
  { keys, values, absent }: SavedFields,
): Omit<SavedFields, 'absent'> {
  const known = new Set([...keys, ...absent]);
  if (made.every((key) => known.has(key))) return { keys, values };
  const all = [...keys];
  const allValues = [...values];
  let next = 0;
  for (const key of made) {
    const at = all.indexOf(key);
    if (at >= 0) {
      next = at + 1;
    } else if (!known.has(key)) {
      all.splice(next, 0, key);
      allValues.splice(next++, 0, (instance as Record<string, unknown>)[key]);
    }
  }
  return { keys: all, values: allValues };
}

/**
 * The own fields of an instance put in place of those that its constructor made. Pure.
 */

/**
 * Gives an instance exactly these enumerable fields, in this order. Fields that stand where they should are assigned;
 * from the first that does not, they are removed, last one first, and added anew: removing in that order leaves the
 * instance in the engine's fast form.
 */
export function setFields(instance: object, keys: readonly string[], values: readonly unknown[]): void {
  const present = Object.keys(instance);
  let same = 0;
  while (same < present.length && present[same] === keys[same]) same++;
  for (const key of present.slice(same).toReversed()) delete (instance as Record<string, unknown>)[key];
  for (let i = 0; i < keys.length; i++) {
    // Defined, not assigned: a class may inherit a setter of the same name.
    const value = values[i];
    Object.defineProperty(instance, keys[i]!, { value, writable: true, enumerable: true, configurable: true });
  }
}

/**
 * How a class says that its `snapshot()` gives what it keeps itself and nothing of what classes that extend it keep,
 * as those of the ready-made objects: so that what such a class would lose is refused. Pure, on any thread.
 */

/** A class has this static property, `true`, if it is so. Registered, for bundles may hold this package twice. */
export const ownHooks: unique symbol = Symbol.for('conclave.ownHooks') as never;

/** The class whose `snapshot()` objects with this prototype inherit from it, if it is one that says so; or null. */
export function ownerOfHooks(prototype: object): Function | null {
  let level: object | null = prototype;
  while (level !== null && !Object.hasOwn(level, 'snapshot')) level = Object.getPrototypeOf(level) as object | null;
  const owner: unknown = level?.constructor;
  return typeof owner === 'function' && Object.hasOwn(owner, ownHooks) ? owner : null;
}

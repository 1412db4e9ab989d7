/**
 * Which of a node's machines has which object: by the names of objects, as the node's options have them, whether they
 * are of the options too or created at run time. Callers and machines go by the same rule. Pure; nothing of it leaves
 * the node.
 */

/** The machine of each object that is placed, by name. All others are on the default machine. Crosses threads. */
export type ObjectPlaces = ReadonlyMap<string, number>;

/** The machine that every node has. */
export const DEFAULT_MACHINE = 0;

/** What one machine has of a node's objects. Crosses threads. */
export interface MachinePart {
  /** Its number on its node; they are numbered from {@link DEFAULT_MACHINE} on. */
  readonly machine: number;
  readonly places: ObjectPlaces;
}

/** The part of a machine that has all objects. */
export const ALL_OBJECTS: MachinePart = { machine: DEFAULT_MACHINE, places: new Map() };

/**
 * The machine that is in charge of what is called so: a method as blocks call it, or an object, as in the names of its
 * methods.
 */
export function machineOf(called: string, places: ObjectPlaces): number {
  return places.size === 0 ? DEFAULT_MACHINE : (places.get(objectIn(called)) ?? DEFAULT_MACHINE);
}

/** The machine that is in charge of a command: of `.create` and `.drop`, that of the object they are about. */
export function machineOfCommand(called: string, args: unknown, places: ObjectPlaces): number {
  if (objectIn(called) !== '') return machineOf(called, places);
  const object: unknown = Array.isArray(args) ? args[0] : undefined;
  return typeof object === 'string' ? (places.get(object) ?? DEFAULT_MACHINE) : DEFAULT_MACHINE;
}

/** The name of the object; empty for what is done to objects. See command-name.ts. */
function objectIn(called: string): string {
  const end = called.indexOf('.');
  if (end !== 0) return end < 0 ? called : called.slice(0, end);
  const next = called.indexOf('.', 1);
  return next < 0 ? '' : called.slice(1, next);
}

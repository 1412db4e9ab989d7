/** The objects of a history: those that all have, and those that its subjects need besides. */

import { object, since, type CreatableClasses } from '../../../actors/replicated/object-definition.js';
import { ReplLockManager } from '../../../sync/repl-lock-manager.js';
import type { Dice } from '../dice.js';
import { Placements } from '../placements.js';
import type { Builds } from '../simulated-cluster.js';
import type { Subject } from '../subjects.js';
import { EDITIONS } from './simulation-edition.js';
import { CELL_CLASSES, CELL_NAMES } from './simulation-cell.js';
import { SimulationJournal } from './simulation-journal.js';
import { SIMULATION_OBJECTS, type SimulationObjects } from './simulation-objects.js';

/** In how many histories the leader raises the version by itself. */
const AUTOMATIC = 0.25;
/** In how many histories nodes have objects on threads of their own. */
const PLACED = 0.25;
/** The name of the lock manager. */
export const LOCKS = 'locks';
/** The name of the object whose code is replaced. */
export const EDITION = 'edition';
/** The name of the object that newer code brings, and from which version on there is one. */
export const LATER = 'later';
export const LATER_SINCE = 1;

export function objectsFor(subjects: ReadonlySet<Subject>): SimulationObjects {
  return objectsOf(subjects, 0);
}

/** The code that nodes may have; null: it is never replaced. */
export function buildsFor(subjects: ReadonlySet<Subject>, dice: Dice): Builds<SimulationObjects> | null {
  if (!subjects.has('code versions')) return null;
  return { objects: EDITIONS.map((_each, build) => objectsOf(subjects, build)), isAutomatic: dice.chance(AUTOMATIC) };
}

function objectsOf(subjects: ReadonlySet<Subject>, build: number): SimulationObjects {
  return {
    ...SIMULATION_OBJECTS,
    ...(hasLockManager(subjects) ? { [LOCKS]: object(ReplLockManager, {}) } : {}),
    ...(subjects.has('code versions') ? { [EDITION]: EDITIONS[build]! } : {}),
    ...(subjects.has('code versions') && build >= LATER_SINCE
      ? { [LATER]: since(LATER_SINCE, SimulationJournal) }
      : {}),
  };
}

/** Locks and elections are kept by the same one. */
export function hasLockManager(subjects: ReadonlySet<Subject>): boolean {
  return subjects.has('locks') || subjects.has('elections');
}

/** The classes that objects are created of. */
export function classesFor(subjects: ReadonlySet<Subject>): CreatableClasses {
  return subjects.has('created objects') ? CELL_CLASSES : {};
}

/** Where nodes have the objects, those that are created too; null: all on one thread. */
export function placementsFor(subjects: ReadonlySet<Subject>, dice: Dice): Placements | null {
  if (!dice.chance(PLACED)) return null;
  const created = subjects.has('created objects') ? CELL_NAMES : [];
  // Where none can be created, a node places only what its own code has.
  const newest = subjects.has('created objects') ? EDITIONS.length - 1 : 0;
  return new Placements(dice, [...Object.keys(objectsOf(subjects, newest)), ...created]);
}

/** The objects of a history: those that all have, and those that its subjects need besides. */

import { object, type CreatableClasses } from '../../../actors/replicated/object-definition.js';
import { ReplLockManager } from '../../../sync/repl-lock-manager.js';
import type { Subject } from '../subjects.js';
import { CELL_CLASSES } from './simulation-cell.js';
import { SIMULATION_OBJECTS, type SimulationObjects } from './simulation-objects.js';

/** The name of the lock manager. */
export const LOCKS = 'locks';

export function objectsFor(subjects: ReadonlySet<Subject>): SimulationObjects {
  return { ...SIMULATION_OBJECTS, ...(subjects.has('locks') ? { [LOCKS]: object(ReplLockManager, {}) } : {}) };
}

/** The classes that objects are created of. */
export function classesFor(subjects: ReadonlySet<Subject>): CreatableClasses {
  return subjects.has('created objects') ? CELL_CLASSES : {};
}

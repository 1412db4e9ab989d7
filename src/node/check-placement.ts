/**
 * Checks the option `placement`, and numbers the machines of a node by it. Nothing is started before it is known to be
 * good.
 */

import { isName, type CreatableClasses, type ObjectDefinitions } from '../actors/replicated/object-definition.js';
import { DEFAULT_MACHINE, type ObjectPlaces } from '../actors/replicated/object-places.js';
import { describe, invalid, refused } from './option-checks.js';

/** Where a node's objects are. */
export interface CheckedPlacement {
  /**
   * The names of the threads that objects are placed on, by the numbers of their machines; the default one comes first,
   * without a name.
   */
  readonly threads: readonly [null, ...string[]];
  readonly places: ObjectPlaces;
}

/** Each thread is sent all of the log, and has an engine and the code of all classes of its own. */
const THREADS_MAX = 16;

const THREAD_NAME = /^[\w-]{1,32}$/;

/** @throws ConclaveError `ERR_INVALID_OPTION` */
export function checkPlacement(
  placement: unknown,
  objects: ObjectDefinitions,
  classes: CreatableClasses,
): CheckedPlacement {
  if (typeof placement !== 'object' || placement === null || Array.isArray(placement)) {
    throw invalid('placement', placement, 'must be an object of names of threads by name of an object');
  }
  const threads: [null, ...string[]] = [null];
  const places = new Map<string, number>();
  const canCreate = Object.keys(classes).length > 0;
  for (const [object, thread] of Object.entries(placement)) {
    const option = `placement.${object}`;
    if (!Object.hasOwn(objects, object)) {
      if (!canCreate) throw refused(option, describe(thread), noObject(Object.keys(objects)));
      if (!isName(object)) throw refused(option, describe(thread), 'places an object by a name that none can have');
    }
    if (typeof thread !== 'string' || !THREAD_NAME.test(thread)) {
      throw invalid(option, thread, 'must be the name of a thread: 1 to 32 letters, digits, - and _');
    }
    const known = threads.indexOf(thread);
    places.set(object, known > DEFAULT_MACHINE ? known : threads.push(thread) - 1);
  }
  const count = threads.length - 1;
  if (count > THREADS_MAX) {
    const advice = 'each is sent all of the log: have objects that do not keep each other waiting share one';
    throw refused('placement', String(count), `names ${count} threads, and may name ${THREADS_MAX}, for ${advice}`);
  }
  return { threads, places };
}

function noObject(names: readonly string[]): string {
  const others = names.length === 0 ? 'there is none' : `there are ${names.join(', ')}`;
  return `places an object that is not in objects (${others}), and without the option classes no other can be created`;
}

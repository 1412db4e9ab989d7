/**
 * The back end in memory: for one process, and for tests.
 */

import { systemTimekeeper, type Timekeeper } from '../runtime/timekeeper.js';
import type { SightedBackend } from './backend.js';
import { CoordinationBackend } from './coordination-backend.js';
import { LocalCoordination } from './local-coordination.js';

/**
 * Locks and elections within this process: all who connect to the same one share its names.
 *
 * @param timekeeper what time it goes by; for tests that own the clock
 *
 * @example
 * const backend = memory();
 * const [a, b] = [await connect(backend), await connect(backend)];
 * await using held = await a.lock('door').acquire();
 * console.log(await b.lock('door').tryAcquire()); // null
 */
export function memory(timekeeper: Timekeeper = systemTimekeeper): SightedBackend {
  return new CoordinationBackend(new LocalCoordination(timekeeper), 'this process');
}

/**
 * How the readers of snapshots say that one is damaged. Pure; whether an older snapshot takes its place is decided by
 * who asked for this one.
 */

import { ConclaveError } from '../errors.js';
import { JOIN_ANEW } from './join-anew.js';

/**
 * The error for a snapshot that is not what was written. `what` is wrong at the byte `offset` of the file at `path`
 * (null: the snapshot is in memory).
 */
export function snapshotCorrupt(path: string | null, offset: number, what: string, cause?: unknown): ConclaveError {
  const where = path === null ? 'A snapshot in memory' : `The snapshot ${path}`;
  return new ConclaveError(
    'ERR_STORAGE_CORRUPT',
    `${where} is damaged at byte ${offset}: ${what}. An older one takes its place where there is one. ` +
      `Otherwise, ${JOIN_ANEW}`,
    { data: { ...(path === null ? {} : { path }), offset }, ...(cause === undefined ? {} : { cause }) },
  );
}

/** Is it damage, of a snapshot or of anything else, that this error tells of? */
export function isCorrupt(error: unknown): boolean {
  return error instanceof ConclaveError && error.code === 'ERR_STORAGE_CORRUPT';
}

/**
 * Why a node has failed, as callers are told: the end of a thread is the end of what it was there for.
 */

import { ConclaveError } from '../errors.js';

const STORAGE_CODES: ReadonlySet<string> = new Set(['ERR_STORAGE', 'ERR_STORAGE_CORRUPT', 'ERR_DATA_DIR_MISMATCH']);

/** What the disk has to do with it; null: nothing. */
export function storageErrorIn(error: unknown): ConclaveError | null {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof ConclaveError && STORAGE_CODES.has(cause.code)) return cause;
  }
  return null;
}

/** The error of calls that a failed node has not answered. */
export function asFailure(cause: Error): ConclaveError {
  const storageError = storageErrorIn(cause);
  if (storageError !== null) return storageError;
  if (cause instanceof ConclaveError && cause.code === 'ERR_OBJECT_FAILED') return cause;
  return new ConclaveError('ERR_STOPPED', `The node has failed and stopped: ${cause.message}`, { cause });
}

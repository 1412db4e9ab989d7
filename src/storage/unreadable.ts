/**
 * How the users of snapshots tell a disk that refuses to read one from one that is damaged: the first may pass, and
 * what could not be read must not be given up for it. Pure.
 */

import { ConclaveError } from '../errors.js';

export function isUnreadable(error: unknown): boolean {
  return error instanceof ConclaveError && error.code === 'ERR_STORAGE';
}

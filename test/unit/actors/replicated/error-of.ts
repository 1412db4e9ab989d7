/** Catching errors in tests. */

import { ConclaveError } from '../../../../src/errors.js';

/** The ConclaveError that an action throws or rejects with; anything else fails the test. */
export async function errorOf(action: () => unknown): Promise<ConclaveError> {
  try {
    await action();
  } catch (error) {
    if (error instanceof ConclaveError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

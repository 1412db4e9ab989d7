/** Catching errors in tests that also run on the compiled package, which has a class of errors of its own. */

import { expect } from 'vitest';
import type { ConclaveError } from '../../../../src/errors.js';

/**
 * The ConclaveError, of whichever copy of Conclave, that an action throws or rejects with; anything else fails the
 * test.
 */
export async function errorOf(action: () => unknown): Promise<ConclaveError> {
  try {
    await action();
  } catch (error) {
    expect(error).toMatchObject({ name: 'ConclaveError' });
    return error as ConclaveError;
  }
  throw new Error('nothing was thrown');
}

/**
 * Assertions for what cannot be. They stay on in production: a broken invariant stops the actor that found it and
 * reaches its supervisor, which is better than an acknowledgement that is not true.
 */

import { ConclaveError } from './errors.js';

/** Throws `ERR_ASSERTION` unless `condition` holds. `message` states the invariant, not the failure. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new ConclaveError('ERR_ASSERTION', `Invariant broken: ${message}.`);
}

/** Marks a branch that the types say cannot be reached. */
export function unreachable(value: never): never {
  throw new ConclaveError('ERR_ASSERTION', `Invariant broken: unexpected ${JSON.stringify(value)}.`);
}

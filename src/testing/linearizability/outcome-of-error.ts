/**
 * What an error tells of the call that ended with it. Knows the codes of Conclave and nothing else.
 */

import { ConclaveError } from '../../errors.js';
import type { CallOutcome } from './history.js';

/** Of these it is known that the command took effect before its call ended; its result is not known. */
const APPLIED: ReadonlySet<string> = new Set(['ERR_RESULT_LOST', 'ERR_RESULT_NOT_ENCODABLE', 'ERR_RESULT_TOO_LARGE']);

/**
 * What is known of a call that ended with this error. Of one that threw where it was applied (`ERR_COMMAND_THREW`),
 * this says `unknown`, which is always safe: whether a command that throws has an effect is for a model to say. What is
 * no `ConclaveError` says nothing.
 */
export function outcomeOfError(error: unknown): CallOutcome<never> {
  if (!(error instanceof ConclaveError)) return { kind: 'unknown' };
  if (APPLIED.has(error.code)) return { kind: 'applied' };
  return { kind: error.mayBeApplied ? 'unknown' : 'refused' };
}

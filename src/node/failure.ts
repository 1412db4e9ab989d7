/**
 * Why a node has ended, as callers are told: the end of a thread is the end of what it was there for. Pure.
 */

import { ConclaveError } from '../errors.js';

/** What people are to mend, wherever in a chain of causes it is: the disk, or the node's code. */
const FINAL_CODES: ReadonlySet<string> = new Set([
  'ERR_STORAGE',
  'ERR_STORAGE_CORRUPT',
  'ERR_DATA_DIR_MISMATCH',
  'ERR_VERSION_UNSUPPORTED',
]);

/** What disk or code have to do with it; null: nothing. */
export function finalErrorIn(error: unknown): ConclaveError | null {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof ConclaveError && FINAL_CODES.has(cause.code)) return cause;
  }
  return null;
}

const END_CODES: ReadonlySet<string> = new Set(['ERR_ACTOR_STOPPED', 'ERR_THREAD_EXITED']);

/** Has an ask ended so because its callee has? */
export function isEndOfCallee(error: unknown): boolean {
  return error instanceof ConclaveError && END_CODES.has(error.code);
}

/** Would objects that take the place of those that have failed so fail in the same way? */
export function isCodeTooOld(error: unknown): boolean {
  return finalErrorIn(error)?.code === 'ERR_VERSION_UNSUPPORTED';
}

/**
 * The error of calls that a failed node has not answered. What it was asked may have been done, or be done yet by the
 * others, whatever the code says of the disk that it could not read.
 */
export function asFailure(cause: Error): ConclaveError {
  const finalError = finalErrorIn(cause);
  if (finalError !== null) return inDoubt(finalError);
  if (cause instanceof ConclaveError && cause.code === 'ERR_OBJECT_FAILED') return cause;
  return new ConclaveError('ERR_STOPPED', `The node has failed and stopped: ${cause.message}`, { cause });
}

function inDoubt(error: ConclaveError): ConclaveError {
  const { code, message, data, cause, mayBeApplied } = error;
  if (mayBeApplied) return error;
  const facts = { data, mayBeApplied: true, retrySafe: false };
  return new ConclaveError(code, message, cause === undefined ? facts : { ...facts, cause });
}

/** The error of calls of a node that was stopped. */
export function stoppedError(wasRemoved: boolean): ConclaveError {
  if (!wasRemoved) return new ConclaveError('ERR_STOPPED', 'The runtime was stopped.');
  const message = 'This node was removed from the cluster, and has stopped.';
  return new ConclaveError('ERR_STOPPED', message, { data: { reason: 'removed' } });
}

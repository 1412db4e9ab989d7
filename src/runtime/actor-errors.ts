/**
 * The errors that the runtime itself gives to those who send messages, in one place so that a local actor and one on
 * another thread fail with the same words. Nothing here decides anything.
 */

import { ConclaveError, toPlainError } from '../errors.js';
import type { ActorAddress } from './actor.js';

export function mailboxFull(address: ActorAddress, max: number): ConclaveError {
  return new ConclaveError(
    'ERR_MAILBOX_FULL',
    `The mailbox of actor "${address.name}" in "${address.system}" holds ${max} messages, and may not hold more.`,
    { data: { ...address, max } },
  );
}

/** For a message that was never handled, because its actor does not exist or ended first. */
export function neverHandled(address: ActorAddress, cause?: unknown): ConclaveError {
  return new ConclaveError(
    'ERR_ACTOR_STOPPED',
    cause === undefined
      ? `There is no actor "${address.name}" in "${address.system}" (any more).`
      : `Actor "${address.name}" in "${address.system}" crashed before it handled the message.`,
    { data: { ...address }, mayBeApplied: false, retrySafe: true, ...(cause === undefined ? {} : { cause }) },
  );
}

/** For a message that its actor had begun to handle. */
export function neverAnswered(address: ActorAddress, cause?: unknown): ConclaveError {
  const what = cause === undefined ? 'stopped' : 'crashed';
  return new ConclaveError(
    'ERR_ACTOR_STOPPED',
    `Actor "${address.name}" in "${address.system}" ${what} before it answered.`,
    { data: { ...address }, ...(cause === undefined ? {} : { cause }) },
  );
}

export function askTimedOut(address: ActorAddress, timeoutMs: number): ConclaveError {
  return new ConclaveError(
    'ERR_TIMEOUT',
    `Actor "${address.name}" in "${address.system}" has not answered within ${timeoutMs} ms.`,
    { data: { ...address, timeoutMs } },
  );
}

export function askAborted(address: ActorAddress, signal: AbortSignal, mayBeApplied: boolean): ConclaveError {
  return new ConclaveError('ERR_ABORTED', `Waiting for actor "${address.name}" in "${address.system}" was aborted.`, {
    data: { ...address },
    cause: signal.reason,
    mayBeApplied,
    retrySafe: !mayBeApplied,
  });
}

export function invalidOption(option: string, value: unknown, expected: string): ConclaveError {
  return new ConclaveError('ERR_INVALID_OPTION', `Option "${option}" must be ${expected}, not ${String(value)}.`, {
    data: { option },
  });
}

/** For asks that a system had sent to others when it was stopped itself. */
export function systemStopped(system: string, cause?: unknown): ConclaveError {
  return new ConclaveError('ERR_ACTOR_STOPPED', `The actor system "${system}" has stopped, and waits for no answers.`, {
    data: { system },
    ...(cause === undefined ? {} : { cause }),
  });
}

/** `cause` is returned as it is when it says that a thread exited already. */
export function threadExited(system: string, cause?: unknown): ConclaveError {
  if (cause instanceof ConclaveError && cause.code === 'ERR_THREAD_EXITED') return cause;
  return new ConclaveError('ERR_THREAD_EXITED', `Thread "${system}" has exited.`, {
    data: { system },
    ...(cause === undefined ? {} : { cause }),
  });
}

/** The same error, for a message that was not even sent. */
export function notSent(error: ConclaveError): ConclaveError {
  const { code, message, data, cause } = error;
  const facts = { data, mayBeApplied: false, retrySafe: true };
  return new ConclaveError(code, message, cause === undefined ? facts : { ...facts, cause });
}

/** For a message that structured clone refuses: it could not leave this thread. */
export function notPostable(address: ActorAddress, cause: unknown): ConclaveError {
  return new ConclaveError(
    'ERR_NOT_ENCODABLE',
    `A message between this thread and actor "${address.name}" in "${address.system}" cannot be posted: ` +
      (cause instanceof Error ? cause.message : String(cause)),
    { data: { ...address }, cause },
  );
}

/** Anything may be thrown; supervision and watchers are promised an `Error`. */
export function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(toPlainError(thrown).message, { cause: thrown });
}

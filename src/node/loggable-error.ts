/**
 * An error as it may be logged. What Conclave says of itself may, and what the operating system says; what anybody else
 * has thrown may quote a payload, and so may what Conclave says of values. Of those, the place where it was thrown is
 * logged, and not what was said; listeners and callers get all of it. Pure.
 */

import { ConclaveError, type ErrorCode } from '../errors.js';

/** Stands for what was said. */
export const NOT_LOGGED = '(not logged, for it may quote a payload)';

/** What these say names keys and values of the user's. */
const OF_VALUES: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'ERR_INVALID_OPTION',
  'ERR_NOT_ENCODABLE',
  'ERR_RESULT_NOT_ENCODABLE',
  'ERR_STATE_NOT_ENCODABLE',
]);
/** Causes deeper than this are left out: an error chain may be a cycle. */
const CAUSE_DEPTH_MAX = 8;
const CODE = /^[A-Z][A-Z0-9_]*$/;

/** A copy of an error of which nothing is a payload. */
export function loggableError(error: Error, depth = 0): Error {
  const cause =
    error.cause instanceof Error && depth < CAUSE_DEPTH_MAX ? loggableError(error.cause, depth + 1) : undefined;
  const message = loggableMessage(error);
  const copy =
    error instanceof ConclaveError
      ? new ConclaveError(error.code, message, {
          data: OF_VALUES.has(error.code) ? {} : error.data,
          mayBeApplied: error.mayBeApplied,
          retrySafe: error.retrySafe,
          ...(cause === undefined ? {} : { cause }),
        })
      : Object.assign(new Error(message, cause === undefined ? {} : { cause }), { name: error.name }, codeOf(error));
  copy.stack = [`${error.name}: ${message}`, ...framesOf(error)].join('\n');
  return copy;
}

function loggableMessage(error: Error): string {
  if (!isLoggable(error)) return NOT_LOGGED;
  // What is ours may quote what is not.
  let { message } = error;
  let cause = error.cause;
  for (let depth = 0; cause instanceof Error && depth < CAUSE_DEPTH_MAX; depth++, cause = cause.cause) {
    if (!isLoggable(cause) && cause.message !== '') message = message.replaceAll(cause.message, NOT_LOGGED);
  }
  return message;
}

function isLoggable(error: Error): boolean {
  if (error instanceof ConclaveError) return !OF_VALUES.has(error.code);
  const { errno, syscall } = error as NodeJS.ErrnoException;
  return typeof errno === 'number' && typeof syscall === 'string';
}

function codeOf(error: Error): { code?: string } {
  const { code } = error as NodeJS.ErrnoException;
  return typeof code === 'string' && CODE.test(code) ? { code } : {};
}

/** Where it was thrown: the stack behind the message, which may look like a stack itself. */
function framesOf({ stack = '', message }: Error): string[] {
  const at = stack.indexOf(message);
  if (at < 0) return [];
  return stack
    .slice(at + message.length)
    .split('\n')
    .filter((line) => line.startsWith('    at '));
}

/**
 * The one door through which all of a node's log lines go to its user's logger: each says which node it is of, an error
 * is called `err`, as pino has it, and nothing that may quote a payload passes. On the thread that started the node.
 */

import { fromPlainError, type PlainError } from '../errors.js';
import { loggerOf, type Logger } from '../runtime/logger.js';
import { loggableError } from './loggable-error.js';

/**
 * What the option `logger` takes: a [pino](https://getpino.io) logger, or anything of its shape. Where there is no
 * `fatal`, such lines are errors; where there is no `trace`, they are left out; where there is no `child`, each line
 * says itself which node it is of.
 *
 * @example
 * const logger: Logger = console;
 */
export interface UserLogger {
  trace?(details: object, message: string): void;
  debug(details: object, message: string): void;
  info(details: object, message: string): void;
  warn(details: object, message: string): void;
  error(details: object, message: string): void;
  fatal?(details: object, message: string): void;
  /** A logger whose lines have these details, too. */
  child?(bindings: object): UserLogger;
}

/** The logger of the node that is called so. */
export function nodeLogger(user: UserLogger, node: string): Logger {
  const bindings = { node };
  const hasChildren = typeof user.child === 'function';
  const sink = hasChildren ? user.child!(bindings) : user;
  return loggerOf((level, { error, ...details }: { readonly error?: unknown }, message) => {
    const line = {
      ...(hasChildren ? {} : bindings),
      ...details,
      ...(error === undefined ? {} : { err: loggableError(asThrown(error)) }),
    };
    try {
      if (level === 'trace') sink.trace?.(line, message);
      else if (level === 'fatal' && typeof sink.fatal === 'function') sink.fatal(line, message);
      else sink[level === 'fatal' ? 'error' : level](line, message);
    } catch (thrown) {
      // The user's affair, which must not take the actor along that has something to say.
      queueMicrotask(() => {
        throw thrown;
      });
    }
  });
}

/** Errors of other threads arrive as plain data. */
function asThrown(error: unknown): Error {
  if (error instanceof Error) return error;
  const isPlain = typeof error === 'object' && error !== null && 'message' in error;
  return isPlain ? fromPlainError(error as PlainError) : new Error(String(error));
}

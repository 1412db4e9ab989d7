/**
 * Where log lines go, as every part of a node sees it: pino's levels, details first. What a line says of commands is
 * what they are called at most: payloads are never logged (see `nodeLogger`, which every line passes).
 */

type Log = (details: object, message: string) => void;

/** From what only a debugger wants to know to what ends the node. */
export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const;

export type LogLevel = (typeof LOG_LEVELS)[number];

export type Logger = { readonly [Level in LogLevel]: Log };

/** A logger whose lines of every level go to `log`. */
export function loggerOf(log: (level: LogLevel, details: object, message: string) => void): Logger {
  const lines = LOG_LEVELS.map((level): [LogLevel, Log] => [level, (details, message) => log(level, details, message)]);
  return Object.fromEntries(lines) as Logger;
}

/** The default: says nothing. */
export const silentLogger: Logger = loggerOf(() => {});

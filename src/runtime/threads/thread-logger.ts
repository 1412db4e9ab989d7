/**
 * The logger of a worker thread: sends each line to the host, whose logger it is in truth. Sends nothing when nobody
 * reads.
 */

import type { MessagePort } from 'node:worker_threads';
import { toPlainError } from '../../errors.js';
import { loggerOf, silentLogger, type Logger } from '../logger.js';
import type { ThreadNotice } from './thread-protocol.js';

export function threadLogger(port: MessagePort, isLogged: boolean): Logger {
  if (!isLogged) return silentLogger;
  return loggerOf((level, details, message) => {
    const line: ThreadNotice = { kind: 'log', level, details: plainDetails(details), message };
    try {
      port.postMessage(line);
    } catch {
      port.postMessage({ ...line, details: {} });
    }
  });
}

/** Structured clone would strip errors of their class and code. */
function plainDetails(details: object): object {
  return Object.fromEntries(
    Object.entries(details).map(([key, value]) => [
      key,
      value instanceof Error ? toPlainError(value) : (value as unknown),
    ]),
  );
}

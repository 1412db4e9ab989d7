/**
 * What callers may be told while things go wrong. That a node stopped for code that is too old is judged where nodes
 * are; its callers are told so, whatever they have asked for.
 */

import type { ErrorCode } from '../../../errors.js';

export const PASSING_ERRORS: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'ERR_NO_LEADER',
  'ERR_OBJECT_FAILED',
  'ERR_RESULT_LOST',
  'ERR_SESSION_EXPIRED',
  'ERR_STOPPED',
  'ERR_STORAGE',
  'ERR_STORAGE_CORRUPT',
  'ERR_TIMEOUT',
  'ERR_VERSION_UNSUPPORTED',
]);

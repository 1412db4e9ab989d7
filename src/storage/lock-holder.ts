/**
 * Who holds a data directory, and the error that tells so. Plain data; looks at nothing itself.
 */

import { ConclaveError } from '../errors.js';

/** What could be learned of a holder. One that is frozen or too busy to answer is a holder all the same. */
export interface LockHolder {
  /** As the holder itself sees it: in a container, another one than from outside. */
  readonly pid: number | null;
  readonly host: string | null;
}

/** The error for whoever wants a directory that is in use. */
export function directoryLocked(path: string, holder: LockHolder): ConclaveError {
  const who = holder.pid === null ? 'another process, which does not say its name' : `process ${holder.pid}`;
  const where = holder.host === null ? '' : ` on host ${holder.host}`;
  return new ConclaveError(
    'ERR_DATA_DIR_LOCKED',
    `The data directory ${path} is in use by ${who}${where}. Each node needs a dataDir of its own: stop that process, ` +
      'or give this node another directory.',
    { data: { pid: holder.pid, host: holder.host, path } },
  );
}

/**
 * The back end of a sidecar: locks and elections of a process that runs no node of its own.
 */

import { waitingTimekeeper } from '../../runtime/timekeeper.js';
import type { SyncBackend } from '../backend.js';
import { SIDECAR_URL_DEFAULT } from '../defaults.js';
import { invalid } from '../option-checks.js';
import { SidecarBackend } from './sidecar-backend.js';

/**
 * Locks and elections by a sidecar (`conclave sidecar`), whatever that stands on. One connection carries all; when it
 * is lost, because the process has ended or the sidecar has, everything that was held or waited for is given up at
 * once, and the next call connects again.
 *
 * @param url of the sidecar; default: `http://localhost:13131`
 * @throws ConclaveError `ERR_INVALID_OPTION` when it is no URL that begins with http:. Calls also reject with
 *   `ERR_UNREACHABLE` when nobody answers there, and `ERR_PROTOCOL` when whoever does is no sidecar.
 *
 * @example
 * const sync = await connect(sidecar('http://localhost:13131'));
 * await sync.lock('db-migrate').withLock(async (held) => {
 *   console.log(held.token);
 * });
 * await sync.close();
 */
export function sidecar(url: string = SIDECAR_URL_DEFAULT): SyncBackend {
  const isUrl = typeof url === 'string' && URL.canParse(url);
  if (!isUrl || new URL(url).protocol !== 'http:' || new URL(url).pathname !== '/') {
    throw invalid('url', 'must be the URL of a sidecar, as in http://localhost:13131');
  }
  return new SidecarBackend(url, waitingTimekeeper);
}

/** By which back end the objects of Metaparticle's shape hold what they hold. On the caller's thread. */

import type { SyncBackend } from '../backend.js';
import { Claiming } from '../claiming.js';
import { SIDECAR_URL_DEFAULT } from '../defaults.js';
import { invalid } from '../option-checks.js';
import { sidecar } from '../sidecar/sidecar.js';
import { Sync } from '../sync.js';

/** Where a sidecar is, or any other back end of `conclave/sync`. */
export type Connection = string | SyncBackend;

/** Those that use the same sidecar share a connection, which is none while nothing is held. */
const sidecars = new Map<string, SyncBackend>();
/** Each object would have sessions of its own otherwise, and back ends have only so many. */
const syncs = new WeakMap<SyncBackend, Sync>();

/** @throws ConclaveError `ERR_INVALID_OPTION` */
export function syncOf(connection: Connection = SIDECAR_URL_DEFAULT): Sync {
  const backend = typeof connection === 'string' ? sidecarOf(connection) : checkBackend(connection);
  const sync = syncs.get(backend) ?? new Sync(new Claiming(backend));
  syncs.set(backend, sync);
  return sync;
}

function sidecarOf(url: string): SyncBackend {
  const backend = sidecars.get(url) ?? sidecar(url);
  sidecars.set(url, backend);
  return backend;
}

function checkBackend(backend: SyncBackend): SyncBackend {
  const { openSession } = (backend ?? {}) as Partial<SyncBackend>;
  if (typeof openSession === 'function') return backend;
  throw invalid('connection', 'must be the URL of a sidecar, or a back end of conclave/sync');
}

/** A sidecar's back end that is a node of a Raft cluster: the node is started here, and stopped with the sidecar. */

import { ReplLockManager } from '../actors/replicated/objects/index.js';
import { metrics } from '../metrics/index.js';
import type { Health } from '../node/health.js';
import type { RuntimeOptions } from '../node/options.js';
import { Runtime } from '../node/runtime.js';
import { raft } from '../sync/raft.js';
import type { OpenedBackend } from './opened-backend.js';

/** Of `Runtime.start`; all sidecars of a cluster have the same objects. */
export type RaftBackendOptions = Pick<
  RuntimeOptions,
  | 'self'
  | 'peers'
  | 'bind'
  | 'cluster'
  | 'dataDir'
  | 'join'
  | 'logger'
  | 'threads'
  | 'electionTimeoutMs'
  | 'heartbeatMs'
>;

const FAILED: ReadonlySet<Health> = new Set(['thread dead', 'failed', 'stopped']);

/** @throws ConclaveError as `Runtime.start`. */
export async function openRaftBackend(options: RaftBackendOptions): Promise<OpenedBackend> {
  const runtime = await Runtime.start({ ...options, objects: { locks: ReplLockManager } });
  return {
    backend: raft(runtime),
    isReady: () => runtime.status().health === 'ok',
    hasFailed: () => FAILED.has(runtime.status().health),
    register: (registry) => void metrics(runtime, { register: registry }),
    close: () => runtime.stop(),
  };
}

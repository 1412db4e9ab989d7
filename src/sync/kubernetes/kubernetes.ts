/**
 * The back end of a Kubernetes cluster: a Lease for each name.
 */

import { randomInt } from 'node:crypto';
import { hostname } from 'node:os';
import type { Random } from '../../runtime/random.js';
import { systemTimekeeper, waitingTimekeeper, type Timekeeper } from '../../runtime/timekeeper.js';
import type { SightedBackend } from '../backend.js';
import { checkKnown, invalid } from '../option-checks.js';
import { ClientNodeLeaseApi } from './client-node-lease-api.js';
import { LeaseBackend } from './lease-backend.js';
import { LeaseRequests } from './lease-requests.js';

/** Where Leases are kept, and for whom. */
export interface KubernetesOptions {
  /**
   * The namespace of the Leases. Default: the one of the context, which is the pod's own by its service account;
   * `default` where that names none. Whoever is to be kept out must be told the same.
   */
  readonly namespace?: string;
  /**
   * Who this is, in `holderIdentity` and as `preferredHolder` names it: the name of the pod, up to 128 bytes. Each
   * claim adds something of its own, so it need not be unique. Default: the name of the host, which in a pod is the
   * pod's.
   */
  readonly identity?: string;
  /**
   * The text of a kubeconfig. Default: what `KUBECONFIG` names, else `~/.kube/config`, else the service account of the
   * pod that this runs in.
   */
  readonly kubeconfig?: string;
  /** Which context of the kubeconfig. Default: its current one. */
  readonly context?: string;
}

const IDENTITY_BYTES_MAX = 128;

const systemRandom: Random = { uint32: () => randomInt(2 ** 32) };

/**
 * Locks and elections by Leases of Kubernetes (`coordination.k8s.io/v1`), for programs that run there and need no
 * cluster of their own. Needs the package `@kubernetes/client-node`, and a Role with two rules: create leases; get,
 * update, watch them.
 *
 * Who waits is not served in order, and there is no shared mode, and no semaphore of more than one permit:
 * `ERR_NOT_SUPPORTED`. A `ttlMs` is rounded up to seconds for the others, never for the holder.
 *
 * @throws ConclaveError `ERR_MISSING_PACKAGE`, `ERR_INVALID_OPTION`
 *
 * @example
 * const sync = await connect(kubernetes({ namespace: 'shop' }));
 * await using held = await sync.lock('db-migrate').acquire();
 */
export function kubernetes(options: KubernetesOptions = {}): Promise<SightedBackend> {
  return openLeaseBackend(options, waitingTimekeeper);
}

/** The same, for those who also ask whether the API server answers, and whose process lives on by itself. */
export async function openLeaseBackend(
  options: KubernetesOptions,
  timekeeper: Timekeeper = systemTimekeeper,
): Promise<LeaseBackend> {
  checkKnown(options, ['namespace', 'identity', 'kubeconfig', 'context']);
  const { namespace, identity = hostname(), kubeconfig, context } = options;
  const bytes = typeof identity === 'string' ? Buffer.byteLength(identity) : 0;
  if (bytes === 0 || bytes > IDENTITY_BYTES_MAX) {
    throw invalid('identity', `must be a string of up to ${IDENTITY_BYTES_MAX} bytes that says who this is`);
  }
  const access = { ...(kubeconfig === undefined ? {} : { kubeconfig }), ...(context === undefined ? {} : { context }) };
  const api = await ClientNodeLeaseApi.open(access, namespace);
  return new LeaseBackend(new LeaseRequests(api, timekeeper, systemRandom), identity);
}

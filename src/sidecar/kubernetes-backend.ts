/** A sidecar's back end that keeps locks in Leases of Kubernetes. Nothing is kept here. */

import { openLeaseBackend, type KubernetesOptions } from '../sync/kubernetes/kubernetes.js';
import type { LeaseBackend } from '../sync/kubernetes/lease-backend.js';
import type { OpenedBackend } from './opened-backend.js';
import { Pulse } from './pulse.js';

/** How long the API server may take to say that it is there. */
const PING_MS = 3_000;

/** @throws ConclaveError as `kubernetes()`; not when the API server cannot be reached, which may pass. */
export async function openKubernetesBackend(options: KubernetesOptions): Promise<OpenedBackend> {
  return overLeases(await openLeaseBackend(options));
}

export function overLeases(backend: LeaseBackend): OpenedBackend {
  const pulse = new Pulse(() => backend.requests.ping(PING_MS), backend.timekeeper);
  return {
    backend,
    namespace: backend.requests.api.namespace,
    isReady: () => pulse.isFelt,
    hasFailed: () => false,
    register: () => {},
    close: async () => pulse.stop(),
  };
}

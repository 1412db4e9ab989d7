/** Clients of one fake API server, each with its own clocks and its own faults, in a time that the test owns. */

import { SeededRandom } from '../../../../../src/runtime/random.js';
import { connect, type Sync } from '../../../../../src/sync/index.js';
import { LeaseBackend } from '../../../../../src/sync/kubernetes/lease-backend.js';
import { leaseNameOf } from '../../../../../src/sync/kubernetes/lease-name.js';
import { LeaseRequests } from '../../../../../src/sync/kubernetes/lease-requests.js';
import { ManualTime } from '../../support/manual-time.js';
import { ClientTime } from './client-time.js';
import { FakeApiServer, type Faults } from './fake-api-server.js';
import { InProcessLeaseApi } from './in-process-lease-api.js';
import type { LeaseObject } from './lease-object.js';

export interface LeaseClient {
  readonly name: string;
  readonly time: ClientTime;
  readonly faults: Faults;
  readonly backend: LeaseBackend;
  readonly sync: Sync;
}

export class LeaseScene {
  readonly time = new ManualTime();
  readonly server = new FakeApiServer(this.time);

  async client(name: string, clocks: { speed?: number; wallOffsetMs?: number } = {}, seed = 1): Promise<LeaseClient> {
    const time = new ClientTime(this.time, clocks);
    this.server.admit(name);
    const requests = new LeaseRequests(new InProcessLeaseApi(this.server, name, time), time, new SeededRandom(seed));
    const backend = new LeaseBackend(requests, name);
    return { name, time, faults: this.server.faultsOf(name), backend, sync: await connect(backend) };
  }

  lease(name: string, kind: 'lock' | 'election' = 'lock'): LeaseObject {
    return this.server.store.get(leaseNameOf(kind, name));
  }

  /** Somebody with kubectl. */
  patch(name: string, change: LeaseObject['spec'], kind: 'lock' | 'election' = 'lock'): void {
    const lease = this.lease(name, kind);
    this.server.store.replace(lease.metadata!.name!, { ...lease, spec: { ...lease.spec, ...change } });
  }
}

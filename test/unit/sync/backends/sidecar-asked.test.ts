/** What somebody asks of a holder by the Lease, told to a process that holds by way of a sidecar. */

import { expect, it } from 'vitest';
import { SeededRandom } from '../../../../src/runtime/random.js';
import { systemTimekeeper } from '../../../../src/runtime/timekeeper.js';
import { overLeases } from '../../../../src/sidecar/kubernetes-backend.js';
import { Sidecar } from '../../../../src/sidecar/sidecar.js';
import { connect, leaseNameOf, sidecar } from '../../../../src/sync/index.js';
import { LeaseBackend } from '../../../../src/sync/kubernetes/lease-backend.js';
import { LeaseRequests } from '../../../../src/sync/kubernetes/lease-requests.js';
import { freePorts } from '../../../../src/testing/free-ports.js';
import { ClientTime } from '../kubernetes/support/client-time.js';
import { FakeApiServer } from '../kubernetes/support/fake-api-server.js';
import { InProcessLeaseApi } from '../kubernetes/support/in-process-lease-api.js';

/** It is asked for whenever it is renewed, which is every third of it. */
const TTL_MS = 600;

it('asks who holds by way of a sidecar to give up, and lets it hold until it does', async () => {
  const server = new FakeApiServer(systemTimekeeper);
  server.admit('pod-1');
  const api = new InProcessLeaseApi(server, 'pod-1', new ClientTime(systemTimekeeper));
  const backend = new LeaseBackend(new LeaseRequests(api, systemTimekeeper, new SeededRandom(1)), 'pod-1');
  const [port] = (await freePorts(1)) as [number];
  const listen = [`127.0.0.1:${port}`];
  const running = await Sidecar.start({ opened: overLeases(backend), listen, warn: () => {} });
  const sync = await connect(sidecar(`http://127.0.0.1:${port}`));
  const held = await sync.lock('x', { ttlMs: TTL_MS }).acquire();
  const asked = new Promise<void>((resolve) => held.once('asked', resolve));

  const lease = server.store.get(leaseNameOf('lock', 'x'));
  const spec = { ...lease.spec, strategy: 'example.com/by-hand', preferredHolder: 'pod-2' };
  server.store.replace(lease.metadata!.name!, { ...lease, spec });
  await asked;

  expect(held.held).toBe(true);
  await held.release();
  expect(server.store.get(leaseNameOf('lock', 'x')).spec).toMatchObject({
    holderIdentity: '',
    preferredHolder: 'pod-2',
  });
  await sync.close();
  await running.stop();
});

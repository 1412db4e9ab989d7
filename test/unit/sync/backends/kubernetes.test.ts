/** The back end of Kubernetes, by way of the official client, on sockets. */

import { vi } from 'vitest';
import { kubernetes, leaseNameOf } from '../../../../src/sync/index.js';
import { systemTimekeeper } from '../../../../src/runtime/timekeeper.js';
import { FakeApiServer } from '../kubernetes/support/fake-api-server.js';
import { HttpApiServer } from '../kubernetes/support/http-api-server.js';
import { kubeconfigOf } from '../kubernetes/support/kubeconfig.js';
import { testSyncBackend } from '../support/backend-conformance.js';
import { CutOffBackend } from '../support/cut-off-backend.js';

// Each step is some requests, each by a connection of its own.
vi.setConfig({ testTimeout: 30_000 });

testSyncBackend(
  'kubernetes',
  async () => {
    const api = new FakeApiServer(systemTimekeeper);
    const http = await HttpApiServer.start(api);
    const connect = (identity: string): ReturnType<typeof kubernetes> => {
      api.admit(identity);
      return kubernetes({ namespace: 'test', identity, kubeconfig: kubeconfigOf(http.url, identity) });
    };
    const first = new CutOffBackend(await connect('a'));
    return {
      backends: [first, await connect('b'), await connect('c')],
      cutOffFirst: () => (first.isCutOff = true),
      // With kubectl.
      askFor: (election) => {
        const lease = api.store.get(leaseNameOf('election', election));
        const spec = { ...lease.spec, strategy: 'example.com/by-hand', preferredHolder: 'b' };
        api.store.replace(lease.metadata!.name!, { ...lease, spec });
      },
      stop: () => http.stop(),
    };
  },
  ['first come, first served', 'shared locks', 'semaphores'],
);

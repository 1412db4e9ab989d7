/** The back end of a sidecar, over a connection to one that stands on memory. */

import { openMemoryBackend } from '../../../../src/sidecar/memory-backend.js';
import { Sidecar } from '../../../../src/sidecar/sidecar.js';
import { sidecar } from '../../../../src/sync/index.js';
import { freePorts } from '../../../../src/testing/free-ports.js';
import { testSyncBackend } from '../support/backend-conformance.js';
import { CutOffBackend } from '../support/cut-off-backend.js';

testSyncBackend(
  'sidecar',
  async () => {
    const [port] = (await freePorts(1)) as [number];
    const listen = [`127.0.0.1:${port}`];
    const running = await Sidecar.start({ opened: openMemoryBackend(), listen, warn: () => {} });
    const url = `http://127.0.0.1:${port}`;
    const first = new CutOffBackend(sidecar(url));
    return {
      backends: [first, sidecar(url), sidecar(url)],
      cutOffFirst: () => (first.isCutOff = true),
      stop: () => running.stop(),
    };
  },
  ['asks to step down'],
);

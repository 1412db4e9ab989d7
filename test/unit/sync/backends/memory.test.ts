/** The back end in memory. */

import { memory } from '../../../../src/sync/memory.js';
import { testSyncBackend } from '../support/backend-conformance.js';
import { CutOffBackend } from '../support/cut-off-backend.js';

testSyncBackend(
  'memory',
  async () => {
    const backend = memory();
    const first = new CutOffBackend(backend);
    return {
      backends: [first, backend, backend],
      cutOffFirst: () => (first.isCutOff = true),
      stop: async () => {},
    };
  },
  ['asks to step down'],
);

/** The back end of a node, on clusters of three. */

import { LocalCluster } from '../../../../src/testing/local-cluster.js';
import { raft } from '../../../../src/sync/raft.js';
import { ReplLockManager } from '../../../../src/actors/replicated/objects/index.js';
import { testSyncBackend } from '../support/backend-conformance.js';

const QUICK = { electionTimeoutMs: [60, 120], heartbeatMs: 15 } as const;

testSyncBackend(
  'raft',
  async () => {
    const cluster = await LocalCluster.start({ objects: { locks: ReplLockManager }, ...QUICK });
    await cluster.ready();
    // Cutting off the leader is another test's.
    const leader = await cluster.leader();
    const nodes = cluster.nodes.toSorted((x, y) => Number(x === leader) - Number(y === leader));
    return {
      backends: [raft(nodes[0]!), raft(nodes[1]!), raft(nodes[2]!)],
      cutOffFirst: () => cluster.isolate(nodes[0]!),
      stop: () => cluster.stop(),
    };
  },
  ['asks to step down'],
);

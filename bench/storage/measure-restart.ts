/**
 * Measures how long a node of its own takes to be ready again, from a long log or from a snapshot. Runs in the parent.
 */

import { strict as assert } from 'node:assert';
import { NEVER_BY_ITSELF } from '../cluster/cluster.js';
import type { RestartRow } from '../matrix.js';
import type { RestartOutcome } from '../results.js';
import {
  CALL_TIMEOUT_MS,
  medianOf,
  TEXTS,
  withStorageCluster,
  WORK_TIMEOUT_MS,
  type StorageCluster,
} from './storage-cluster.js';
import { storedBytes } from './stored-bytes.js';

const COMMAND_BYTES = 10;
const MEASURED = { snapshot: NEVER_BY_ITSELF } as const;

export function measureRestart(row: RestartRow, rounds: number): Promise<RestartOutcome> {
  // What is to be read must be there; it need not have been slow to write.
  const settings = { nodes: 1, durable: true, options: { ...MEASURED, fsync: false } };
  return withStorageCluster(settings, async (cluster) => {
    await prepare(cluster, row);
    const expected = await holdings(cluster);
    const readyMs: number[] = [];
    await cluster.nodes[0]!.stop();
    const bytes = await storedBytes(cluster.dataDirs![0]!);
    for (let round = 0; round < rounds; round++) {
      if (round > 0) await cluster.nodes[0]!.stop();
      readyMs.push((await cluster.startNode(0, MEASURED)).readyMs);
      assert.deepEqual(await holdings(cluster), expected, 'The node is not what it was before it restarted.');
    }
    return { row, logBytes: bytes.log, snapshotBytes: bytes.snapshots, readyMs: medianOf(readyMs), rounds: readyMs };
  });
}

async function prepare({ nodes }: StorageCluster, { from, entries }: RestartRow): Promise<void> {
  const node = nodes[0]!;
  if (from === 'snapshot') {
    await node.call('fill', { entries, values: TEXTS }, WORK_TIMEOUT_MS);
    await node.call('compact', null, WORK_TIMEOUT_MS);
    return;
  }
  await node.call('writeSingly', { entries, commandBytes: COMMAND_BYTES }, WORK_TIMEOUT_MS);
  const { lastIndex, snapshotIndex } = await node.call('status', null, CALL_TIMEOUT_MS);
  assert(lastIndex >= entries && snapshotIndex === 0, `The log has ${lastIndex} entries only.`);
}

function holdings({ nodes }: StorageCluster): Promise<readonly unknown[]> {
  const node = nodes[0]!;
  return Promise.all([node.call('digest', null, WORK_TIMEOUT_MS), node.call('state', null, CALL_TIMEOUT_MS)]);
}

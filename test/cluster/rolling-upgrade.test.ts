/**
 * A live cluster of processes is brought to the next version of its user's module, one node at a time and under load;
 * then a node is started with the old module once more, which must not go on, and lose nothing.
 */

import { expect, test, vi } from 'vitest';
import type { CallError } from './fixtures/node-messages.js';
import type { NodeProcess } from './support/node-process.js';
import { ProcessCluster } from './support/process-cluster.js';

const LOAD = { window: 50, burst: 5, everyMs: 3, timeoutMs: 6_000 };
const SETTLE_TIMEOUT_MS = 10_000;
const RECOVERY_MS_MAX = 15_000;
/** Often enough that nodes begin with a snapshot which the other module has written. */
const SETTINGS = { dataDirs: true, code: 'old', snapshot: { bytes: 60_000 } } as const;
const WAIT = { timeout: RECOVERY_MS_MAX, interval: 20 };
const UNSUPPORTED = { code: 'ERR_VERSION_UNSUPPORTED', mayBeApplied: false, retrySafe: true };

/** Starts a node again with this module, and adds to the load. */
async function restart(cluster: ProcessCluster, node: NodeProcess, code: 'old' | 'new'): Promise<NodeProcess> {
  await node.kill();
  const revived = await cluster.revive(node.address, { code });
  await revived.call('ready', null, RECOVERY_MS_MAX);
  await cluster.startLoad(LOAD, [revived]);
  return revived;
}

/** Asks a node that does not lead, as far as is known. */
async function setCodeVersion(cluster: ProcessCluster, version: number): Promise<CallError | null> {
  const leader = await cluster.leader(RECOVERY_MS_MAX);
  const follower = cluster.living.find((node) => node !== leader)!;
  return follower.call('setCodeVersion', version);
}

const versionsOf = (cluster: ProcessCluster): Promise<number[]> =>
  Promise.all(cluster.living.map(async (node) => (await node.call('status', null)).codeVersion));

test('a cluster is upgraded node by node while commands flow: none is lost or doubled, and all agree', async () => {
  const cluster = await ProcessCluster.start(3, SETTINGS);
  await cluster.startLoad(LOAD);
  await cluster.untilAppended(1_000, RECOVERY_MS_MAX);

  // One node after the other gets the new module, and the cluster goes on as before.
  for (const node of [...cluster.nodes]) {
    expect(await setCodeVersion(cluster, 1)).toEqual(UNSUPPORTED);
    const upgraded = await restart(cluster, node, 'new');
    expect(await upgraded.call('countUpgraded', null)).toEqual(UNSUPPORTED);
    await cluster.untilAppended(200, RECOVERY_MS_MAX);
  }
  expect(await versionsOf(cluster)).toEqual([0, 0, 0]);

  // All have it: what it says comes into force everywhere at the same command.
  expect(await setCodeVersion(cluster, 1)).toBeNull();
  await vi.waitUntil(async () => (await versionsOf(cluster)).every((version) => version === 1), WAIT);
  await cluster.untilAppended(1_000, RECOVERY_MS_MAX);
  expect(await cluster.nodes[0]!.call('countUpgraded', null)).toBeGreaterThan(0);
  expect(await setCodeVersion(cluster, 0)).toMatchObject({ code: 'ERR_CHANGE_REFUSED', mayBeApplied: false });

  // The old module stops where it does not know how to go on, and the new one goes on from there.
  const { address } = await cluster.leader(RECOVERY_MS_MAX);
  await cluster.node(address).kill();
  expect(await endOf(cluster, address)).toBe('ERR_VERSION_UNSUPPORTED');
  await cluster.untilAppended(200, RECOVERY_MS_MAX);
  await restart(cluster, cluster.node(address), 'new');
  await cluster.untilAppended(500, RECOVERY_MS_MAX);

  await cluster.stopLoad(SETTLE_TIMEOUT_MS);
  expect(await cluster.complaints()).toEqual([]);
  const summaries = await Promise.all(cluster.living.map((node) => node.call('summary', null)));
  expect(new Set(summaries.map(({ upgraded }) => upgraded)).size).toBe(1);
  expect(summaries[0]!.upgraded).toBeGreaterThan(1_000);
  const statuses = await Promise.all(cluster.living.map((node) => node.call('status', null)));
  for (const { snapshotIndex } of statuses) expect(snapshotIndex).toBeGreaterThan(0);
}, 120_000);

/** Starts a node with the old module. Resolves with the code of what ends it, at its start or soon after. */
async function endOf(cluster: ProcessCluster, address: string): Promise<string | null> {
  try {
    await cluster.revive(address, { code: 'old' });
  } catch (error) {
    return (error as { code: string | null }).code;
  }
  await vi.waitUntil(() => cluster.failureCodes.length > 0, WAIT);
  return cluster.takeFailures()[0]!;
}

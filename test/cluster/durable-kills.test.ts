/**
 * Real processes with data directories, killed with SIGKILL at random and under load, one, two or all of them, many
 * times over: nothing that was acknowledged is lost, nothing is applied twice, and all agree.
 */

import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { ProcessCluster } from './support/process-cluster.js';
import { diceOf, seeds, type Dice } from './support/seed.js';

const KILLS = 25;
const LOAD = { window: 50, burst: 5, everyMs: 3, timeoutMs: 3_000 };
const PAUSE_MS = [100, 2_500] as const;
const AWAY_MS = [0, 700] as const;
const SETTLE_TIMEOUT_MS = 10_000;
const RECOVERY_MS_MAX = 15_000;
/** Often enough that kills hit folds, snapshots and the log's files in every state. */
const SETTINGS = {
  dataDirs: true,
  snapshot: { bytes: 100_000 },
  limits: { segmentBytes: 128 * 1024 },
} as const;

/** Kills one node again and again, as long as there are kills left, and brings it back each time. */
async function torment(cluster: ProcessCluster, address: string, dice: Dice, kills: { left: number }): Promise<void> {
  while (kills.left > 0) {
    await delay(dice.between(...PAUSE_MS));
    kills.left--;
    await cluster.node(address).kill();
    await delay(dice.between(...AWAY_MS));
    const node = await cluster.revive(address);
    await cluster.startLoad(LOAD, [node]);
  }
}

test.each(seeds(1))(`nothing is lost or doubled by ${KILLS} kills (seed %i)`, { timeout: 180_000 }, async (seed) => {
  const dice = diceOf(seed);
  const cluster = await ProcessCluster.start(3, SETTINGS);
  await cluster.startLoad(LOAD);

  // Each on its own, so that now and then two or all three are away.
  const kills = { left: KILLS };
  const addresses = cluster.nodes.map(({ address }) => address);
  await Promise.all(addresses.map((address) => torment(cluster, address, dice, kills)));

  await cluster.leader(RECOVERY_MS_MAX);
  await cluster.untilAppended(500, RECOVERY_MS_MAX);
  await cluster.stopLoad(SETTLE_TIMEOUT_MS);
  expect(await cluster.complaints()).toEqual([]);
  const statuses = await Promise.all(cluster.living.map((node) => node.call('status', null)));
  // It was as it should be: snapshots were taken, and the load got through.
  expect(Math.max(...statuses.map(({ snapshotIndex }) => snapshotIndex))).toBeGreaterThan(0);
  expect(cluster.history.appends.length).toBeGreaterThan(1_000);
});

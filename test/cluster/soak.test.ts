/**
 * Twenty seconds of whatever can happen to living nodes, at random and at once: processes that stand still, connections
 * that break or let nothing through, leadership handed over. Then quiet, in which all must agree.
 */

import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { ProcessCluster } from './support/process-cluster.js';
import { diceOf, seeds, type Dice } from './support/seed.js';

const TROUBLE_MS = 12_000;
const PAUSE_MS = [20, 500] as const;
const FREEZE_MS = [20, 1_500] as const;
const SHUT_MS = [20, 1_500] as const;
/** Shorter than many of the troubles, so that some calls fail. */
const LOAD = { window: 100, burst: 5, everyMs: 3, timeoutMs: 1_000 };
const SETTLE_TIMEOUT_MS = 5_000;
const RECOVERY_MS_MAX = 8_000;

type Trouble = (cluster: ProcessCluster, dice: Dice) => Promise<void>;

const TROUBLES: readonly Trouble[] = [
  async function freeze({ nodes }, dice) {
    const node = dice.pick(nodes);
    const freezeMs = dice.between(...FREEZE_MS);
    if (node.isFrozen) return;
    node.freeze();
    await delay(freezeMs);
    node.thaw();
  },
  async function freezeLeader(cluster, dice) {
    const freezeMs = dice.between(...FREEZE_MS);
    const leader = await leaderOf(cluster);
    if (leader === null || leader.isFrozen) return;
    leader.freeze();
    await delay(freezeMs);
    leader.thaw();
  },
  async function cut({ relays }, dice) {
    dice.pick(relays).cut();
  },
  async function shut({ relays }, dice) {
    const relay = dice.pick(relays);
    const shutMs = dice.between(...SHUT_MS);
    relay.shut();
    await delay(shutMs);
    relay.open();
  },
  async function transferLeadership(cluster) {
    const leader = await leaderOf(cluster);
    // It may have lost its leadership meanwhile, or lose its connections now: then it says so.
    if (leader !== null) await leader.call('transferLeadership', null, RECOVERY_MS_MAX);
  },
];

/** Whoever a node that runs takes for the leader, or null. */
async function leaderOf(cluster: ProcessCluster): Promise<ProcessCluster['nodes'][number] | null> {
  const [node] = cluster.living;
  if (node === undefined) return null;
  const { leader } = await node.call('status', null);
  return leader === null ? null : cluster.node(leader);
}

test.each(seeds(1))(
  'nothing is lost, doubled or stale in twenty bad seconds (seed %i)',
  { timeout: 60_000 },
  async (seed) => {
    const dice = diceOf(seed);
    const cluster = await ProcessCluster.start(3, { relays: true });
    await cluster.startLoad(LOAD);

    const troubles: Promise<void>[] = [];
    const endMs = performance.now() + TROUBLE_MS;
    while (performance.now() < endMs) {
      troubles.push(dice.pick(TROUBLES)(cluster, dice));
      await delay(dice.between(...PAUSE_MS));
    }
    await Promise.all(troubles);

    const leader = await cluster.leader(RECOVERY_MS_MAX);
    await cluster.untilAppended(1_000, RECOVERY_MS_MAX);
    await cluster.stopLoad(SETTLE_TIMEOUT_MS);
    expect(await cluster.complaints()).toEqual([]);
    // It was as bad as it should be.
    expect((await leader.call('status', null)).term).toBeGreaterThan(3);
  },
);

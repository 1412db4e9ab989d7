/**
 * Leaders killed under load. A killed node is not started again: it kept its log in memory, and a node that lost its
 * memory must not vote under its old name.
 */

import { describe, expect, test } from 'vitest';
import { ProcessCluster } from './support/process-cluster.js';
import { diceOf, seeds } from './support/seed.js';

const LOAD = { window: 200, burst: 10, everyMs: 2, timeoutMs: 6_000 };
const SETTLE_TIMEOUT_MS = 8_000;
/** Without a leader, election timeouts of 400 to 800 ms and a busy machine. */
const RECOVERY_MS_MAX = 5_000;

describe('two of five nodes killed under load: nothing acknowledged is lost, nothing is doubled, all agree', () => {
  test.each(seeds(2))('the leader, then its successor (seed %i)', { timeout: 40_000 }, async (seed) => {
    const dice = diceOf(seed);
    const cluster = await ProcessCluster.start(5);
    await cluster.startLoad(LOAD);

    for (let kills = 0; kills < 2; kills++) {
      await cluster.untilAppended(dice.between(100, 6_000), RECOVERY_MS_MAX);
      const leader = await cluster.leader();
      await leader.kill();
      await cluster.leader(RECOVERY_MS_MAX);
    }
    await cluster.untilAppended(1_000, RECOVERY_MS_MAX);
    await cluster.stopLoad(SETTLE_TIMEOUT_MS);

    expect(await cluster.complaints()).toEqual([]);
    expect(cluster.history.failures).toEqual([]);
  });

  test.each(seeds(1))('the leader and a follower at once (seed %i)', { timeout: 40_000 }, async (seed) => {
    const dice = diceOf(seed);
    const cluster = await ProcessCluster.start(5);
    await cluster.startLoad(LOAD);

    await cluster.untilAppended(dice.between(100, 6_000), RECOVERY_MS_MAX);
    const leader = await cluster.leader();
    const follower = dice.pick(cluster.living.filter((node) => node !== leader));
    await Promise.all([leader.kill(), follower.kill()]);
    await cluster.leader(RECOVERY_MS_MAX);
    await cluster.untilAppended(1_000, RECOVERY_MS_MAX);
    await cluster.stopLoad(SETTLE_TIMEOUT_MS);

    expect(await cluster.complaints()).toEqual([]);
    expect(cluster.history.failures).toEqual([]);
  });
});

test('everything on one thread: the leader of three killed under load', { timeout: 40_000 }, async () => {
  const cluster = await ProcessCluster.start(3, { threads: false });
  await cluster.startLoad(LOAD);

  await cluster.untilAppended(2_000, RECOVERY_MS_MAX);
  const leader = await cluster.leader();
  await leader.kill();
  await cluster.leader(RECOVERY_MS_MAX);
  await cluster.untilAppended(1_000, RECOVERY_MS_MAX);
  await cluster.stopLoad(SETTLE_TIMEOUT_MS);

  expect(await cluster.complaints()).toEqual([]);
  expect(cluster.history.failures).toEqual([]);
});

/**
 * The majority is gone for a while: calls fail in time and say truly what may have become of them, and then it goes on.
 */

import { expect, test, vi } from 'vitest';
import { ProcessCluster } from './support/process-cluster.js';

const RECOVERY_MS_MAX = 5_000;
const TIMEOUT_MS = 300;
const CALLER = 'test';

const NO_LEADER = { code: 'ERR_NO_LEADER', mayBeApplied: false, retrySafe: true };

test('a leader whose two followers stand still fails calls in time, and goes on when they wake', async () => {
  const cluster = await ProcessCluster.start(3);
  const leader = await cluster.leader();
  const followers = cluster.nodes.filter((node) => node !== leader);
  const append = (number: number, timeoutMs = TIMEOUT_MS) =>
    leader.call('append', { caller: CALLER, number, timeoutMs });
  const read = (consistency: 'linearizable' | 'lease' | 'local') =>
    leader.call('size', { consistency, timeoutMs: TIMEOUT_MS });
  expect(await append(1, RECOVERY_MS_MAX)).toBe(1);

  for (const follower of followers) follower.freeze();

  // It still thinks that it leads, and takes the command into its log.
  expect(await append(2)).toEqual({ code: 'ERR_TIMEOUT', mayBeApplied: true, retrySafe: false });
  await vi.waitUntil(async () => (await leader.call('status', null)).leader === null, RECOVERY_MS_MAX);
  expect(await leader.call('status', null)).toMatchObject({ health: 'no quorum' });
  expect(await append(3)).toEqual(NO_LEADER);
  expect(await read('linearizable')).toEqual(NO_LEADER);
  expect(await read('lease')).toEqual(NO_LEADER);
  expect(await read('local')).toBe(1);
  // Nothing was sent of what still waits either.
  const waiting = append(4, 2 * RECOVERY_MS_MAX);

  for (const follower of followers) follower.thaw();

  await cluster.leader(RECOVERY_MS_MAX);
  expect(await waiting).toBe(3);
  expect(await append(5, RECOVERY_MS_MAX)).toBe(4);
  expect(await cluster.complaints()).toEqual([]);
  expect(await leader.call('numbersOf', CALLER)).toEqual([1, 2, 4, 5]);
});

test('a follower without a majority does as well, under load', async () => {
  const load = { window: 200, burst: 10, everyMs: 2, timeoutMs: TIMEOUT_MS };
  const cluster = await ProcessCluster.start(3, { threads: false });
  await cluster.startLoad(load);
  await cluster.untilAppended(500, RECOVERY_MS_MAX);
  const leader = await cluster.leader();
  const [follower, other] = cluster.nodes.filter((node) => node !== leader);

  leader.freeze();
  other!.freeze();
  await vi.waitUntil(
    () => {
      const codes = new Set(cluster.history.failures.map(({ code }) => code));
      return codes.has('ERR_TIMEOUT') && codes.has('ERR_NO_LEADER');
    },
    { timeout: RECOVERY_MS_MAX },
  );
  expect(await follower!.call('status', null)).toMatchObject({ leader: null, health: 'no quorum' });
  leader.thaw();
  other!.thaw();

  await cluster.leader(RECOVERY_MS_MAX);
  await cluster.untilAppended(1_000, RECOVERY_MS_MAX);
  await cluster.stopLoad(RECOVERY_MS_MAX);
  expect(await cluster.complaints()).toEqual([]);
});

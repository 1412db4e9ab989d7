/**
 * A leader that stands still for two seconds with all its threads, as a machine does that swaps, collects garbage or is
 * moved: it wakes believing that it leads, with its connections open and its callers waiting.
 */

import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { ProcessCluster } from './support/process-cluster.js';

const FREEZE_MS = 2_000;
const LOAD = { window: 200, burst: 10, everyMs: 2, timeoutMs: 6_000 };
const SETTLE_TIMEOUT_MS = 8_000;
const RECOVERY_MS_MAX = 5_000;
const READS = 20;

test.each([
  { placement: 'threads', threads: true },
  { placement: 'one thread', threads: false },
])('a leader that wakes answers no read with old news ($placement)', async ({ threads }) => {
  const cluster = await ProcessCluster.start(3, { threads });
  const old = await cluster.leader();
  const [other] = cluster.nodes.filter((node) => node !== old);
  await old.call('append', { caller: 'test', number: 1, timeoutMs: LOAD.timeoutMs });

  old.freeze();
  const frozenAtMs = performance.now();
  // They wait in its pipe: the first that it sees when it wakes.
  const readMs = LOAD.timeoutMs + FREEZE_MS + RECOVERY_MS_MAX;
  const reads = Array.from({ length: READS }, (_, index) => {
    const consistency = index % 2 === 0 ? 'linearizable' : 'lease';
    return old.call('size', { consistency, timeoutMs: LOAD.timeoutMs }, readMs);
  });
  await cluster.leader();
  for (let number = 2; performance.now() < frozenAtMs + FREEZE_MS; number++) {
    await other!.call('append', { caller: 'other', number, timeoutMs: LOAD.timeoutMs });
  }
  const size = await other!.call('size', { consistency: 'linearizable', timeoutMs: LOAD.timeoutMs });
  old.thaw();

  expect(size).toBeGreaterThan(1);
  expect(await Promise.all(reads)).toEqual(reads.map(() => size));
});

test('none of the commands that callers of a leader that slept had in flight are lost or doubled', async () => {
  const cluster = await ProcessCluster.start(3);
  await cluster.startLoad(LOAD);
  await cluster.untilAppended(500, RECOVERY_MS_MAX);
  const old = await cluster.leader();

  old.freeze();
  await delay(FREEZE_MS);
  await cluster.leader();
  await cluster.untilAppended(500, RECOVERY_MS_MAX);
  old.thaw();
  await cluster.leader();
  await cluster.untilAppended(1_000, RECOVERY_MS_MAX);
  await cluster.stopLoad(SETTLE_TIMEOUT_MS);

  expect(await cluster.complaints()).toEqual([]);
  expect(cluster.history.failures).toEqual([]);
});

test('callers who waited for less than their leader slept are told truly what may have been applied', async () => {
  const cluster = await ProcessCluster.start(3, { threads: false });
  await cluster.startLoad({ ...LOAD, timeoutMs: FREEZE_MS / 2 });
  await cluster.untilAppended(500, RECOVERY_MS_MAX);
  const old = await cluster.leader();

  old.freeze();
  await delay(FREEZE_MS);
  old.thaw();
  await cluster.leader();
  await cluster.untilAppended(1_000, RECOVERY_MS_MAX);
  await cluster.stopLoad(SETTLE_TIMEOUT_MS);

  expect(await cluster.complaints()).toEqual([]);
});

/**
 * A leader that stands still for two seconds with all its threads, as a machine does that swaps, collects garbage or is
 * moved: it wakes believing that it leads, with its connections open and its callers waiting.
 */

import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { ProcessCluster } from './support/process-cluster.js';

const FREEZE_MS = 2_000;
const LOAD = { window: 200, burst: 10, everyMs: 2, timeoutMs: 6_000 };
const SETTLE_TIMEOUT_MS = 8_000;
const RECOVERY_MS_MAX = 5_000;
const READS = 20;

describe.each([
  { placement: 'threads', threads: true },
  { placement: 'one thread', threads: false },
])('a leader that wakes ($placement)', ({ threads }) => {
  test.each(['linearizable', 'lease'] as const)('answers no %s read with old news', async (consistency) => {
    const cluster = await ProcessCluster.start(3, { threads });
    const old = await cluster.leader();
    const [other] = cluster.nodes.filter((node) => node !== old);
    await old.call('append', { caller: 'test', number: 1, timeoutMs: LOAD.timeoutMs });

    old.freeze();
    // They wait in its pipe: the first that it sees when it wakes.
    const reads = Array.from({ length: READS }, () =>
      old.call('size', { consistency, timeoutMs: LOAD.timeoutMs }, LOAD.timeoutMs + FREEZE_MS + RECOVERY_MS_MAX),
    );
    await cluster.leader();
    await other!.call('append', { caller: 'test', number: 2, timeoutMs: LOAD.timeoutMs });
    old.thaw();

    expect(await Promise.all(reads)).toEqual(reads.map(() => 2));
  });

  test('loses and doubles none of the commands that its callers had in flight', async () => {
    const cluster = await ProcessCluster.start(3, { threads });
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
});

test('callers who waited for less than their leader slept are told truly what may have been applied', async () => {
  const cluster = await ProcessCluster.start(3);
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

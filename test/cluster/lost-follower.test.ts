/** A follower that dies is missed by nobody: same leader, same term, and latency as before. */

import { expect, test, vi } from 'vitest';
import type { NodeProcess } from './support/node-process.js';
import { ProcessCluster } from './support/process-cluster.js';

const LOAD = { window: 200, burst: 10, everyMs: 2, timeoutMs: 6_000 };
const SETTLE_TIMEOUT_MS = 8_000;
const RECOVERY_MS_MAX = 5_000;
const SAMPLE = 20;
/** What a test on a busy machine may call "as before". */
const SLOWER_MAX = 3;
const SLOWER_MS_MAX = 10;

test('a follower killed under load: the others go on under their leader, as fast as before', async () => {
  const cluster = await ProcessCluster.start(3);
  await cluster.startLoad(LOAD);
  const leader = await cluster.leader();
  const [killed, other] = cluster.nodes.filter((node) => node !== leader);
  const { term } = await leader.call('status', null);
  let number = 0;
  const medianMs = async (node: NodeProcess): Promise<number> => {
    const samplesMs: number[] = [];
    for (let sample = 0; sample < SAMPLE; sample++) {
      const startMs = performance.now();
      const position = await node.call('append', { caller: 'sampler', number: ++number, timeoutMs: LOAD.timeoutMs });
      expect(position).toBeTypeOf('number');
      samplesMs.push(performance.now() - startMs);
    }
    return samplesMs.toSorted((a, b) => a - b)[SAMPLE / 2]!;
  };
  await cluster.untilAppended(500, RECOVERY_MS_MAX);
  const before = { leader: await medianMs(leader), follower: await medianMs(other!) };

  await killed!.kill();

  const isAsBefore = async (): Promise<boolean> =>
    (await medianMs(leader)) <= SLOWER_MAX * before.leader + SLOWER_MS_MAX &&
    (await medianMs(other!)) <= SLOWER_MAX * before.follower + SLOWER_MS_MAX;
  await vi.waitUntil(isAsBefore, { timeout: RECOVERY_MS_MAX });
  await cluster.stopLoad(SETTLE_TIMEOUT_MS);
  expect(await cluster.complaints()).toEqual([]);
  expect(cluster.history.failures).toEqual([]);
  expect(await leader.call('status', null)).toMatchObject({ role: 'leader', term, health: 'ok' });
});

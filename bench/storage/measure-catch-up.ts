/** Measures how a node that has lost its disk comes back, and what callers of the others feel of it. Runs in the parent. */

import { strict as assert } from 'node:assert';
import { setTimeout as delay } from 'node:timers/promises';
import { NEVER_BY_ITSELF } from '../cluster/cluster.js';
import type { CatchUpRow } from '../matrix.js';
import type { Timing } from '../measure.js';
import type { CatchUpOutcome } from '../results.js';
import {
  agreedTable,
  CALL_TIMEOUT_MS,
  compactAll,
  IN_FLIGHT_MAX,
  medianOf,
  othersThan,
  TEXTS,
  withStorageCluster,
  WORK_TIMEOUT_MS,
} from './storage-cluster.js';
import { storedBytes } from './stored-bytes.js';

const BEFORE = 'before';
const MEANWHILE = 'meanwhile';
/** Not measured: warming up, stopping the node, and the time after. */
const BESIDE = 'beside';
/** Small entries that are overwritten. */
const KEYS = 100_000;

export function measureCatchUp(row: CatchUpRow, timing: Timing, rounds: number): Promise<CatchUpOutcome> {
  const settings = { nodes: row.nodes, durable: true, options: { snapshot: NEVER_BY_ITSELF } };
  return withStorageCluster(settings, async (cluster) => {
    const { leader } = await cluster.roles();
    const caller = cluster.nodes[leader]!;
    const values = { kind: 'noise', bytes: row.valueBytes } as const;
    await caller.call('fill', { entries: row.entries, values }, WORK_TIMEOUT_MS);
    const { lastIndex: filledIndex } = await caller.call('status', null, CALL_TIMEOUT_MS);
    await compactAll(cluster);
    const { snapshots: snapshotBytes } = await storedBytes(cluster.dataDirs![leader]!);

    const enter = (phase: string): Promise<void> => caller.call('enterPhase', phase, CALL_TIMEOUT_MS);
    const paced = { callsPerSecond: row.callsPerSecond, inFlightMax: IN_FLIGHT_MAX };
    const keys = { firstKey: row.entries, keys: KEYS, values: TEXTS };
    await caller.call('startLoad', { ...paced, ...keys, firstPhase: BESIDE }, CALL_TIMEOUT_MS);
    await delay(timing.warmupMs);
    // Two are kept, and the log from the older one on: now the log no longer reaches back to where the state was made.
    await compactAll(cluster);
    const readyMs: number[] = [];
    for (let round = 0; round < rounds; round++) {
      for (const follower of othersThan(leader, cluster)) {
        await enter(BEFORE);
        await delay(timing.durationMs);
        await enter(BESIDE);
        await cluster.nodes[follower]!.stop();
        await cluster.wipe(follower);
        await enter(MEANWHILE);
        readyMs.push((await cluster.startNode(follower)).readyMs);
        await enter(BESIDE);
        const { snapshotIndex } = await cluster.nodes[follower]!.call('status', null, CALL_TIMEOUT_MS);
        assert(snapshotIndex >= filledIndex, 'The node was not given a snapshot, but the log.');
      }
    }
    const phases = await caller.call('finishLoad', {}, WORK_TIMEOUT_MS);
    await agreedTable(
      cluster,
      Object.values(phases).reduce((sum, { calls }) => sum + calls, 0),
    );

    const [before, meanwhile] = [phases[BEFORE]!, phases[MEANWHILE]!];
    const p99Ratio = meanwhile.p99Ms / before.p99Ms;
    return { row, snapshotBytes, times: readyMs.length, readyMs: medianOf(readyMs), before, meanwhile, p99Ratio };
  });
}

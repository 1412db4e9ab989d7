/** Measures what callers feel when a cluster is given one more member, which has nothing yet. Runs in the parent. */

import { strict as assert } from 'node:assert';
import { setTimeout as delay } from 'node:timers/promises';
import { NEVER_BY_ITSELF } from '../cluster/cluster.js';
import type { JoinRow } from '../matrix.js';
import type { Timing } from '../measure.js';
import type { JoinOutcome } from '../results.js';
import {
  agreedTable,
  CALL_TIMEOUT_MS,
  compactAll,
  IN_FLIGHT_MAX,
  medianOf,
  TEXTS,
  withStorageCluster,
  WORK_TIMEOUT_MS,
} from './storage-cluster.js';
import { storedBytes } from './stored-bytes.js';

const BEFORE = 'before';
const MEANWHILE = 'meanwhile';
/** Not measured: warming up, starting the process of the new node, and taking it out again. */
const BESIDE = 'beside';
/** Small entries that are overwritten. */
const KEYS = 100_000;

export function measureJoin(row: JoinRow, timing: Timing, rounds: number): Promise<JoinOutcome> {
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
    const joinedMs: number[] = [];
    for (let round = 0; round < rounds; round++) {
      await enter(BEFORE);
      await delay(timing.durationMs);
      await enter(BESIDE);
      const joining = await cluster.startJoining();
      await enter(MEANWHILE);
      joinedMs.push(await caller.call('addMember', joining.address, WORK_TIMEOUT_MS));
      await enter(BESIDE);
      const { snapshotIndex } = await joining.node.call('status', null, CALL_TIMEOUT_MS);
      assert(snapshotIndex >= filledIndex, 'The node was not given a snapshot, but the log.');
      await caller.call('removeMember', joining.address, WORK_TIMEOUT_MS);
      await joining.node.stop();
    }
    const phases = await caller.call('finishLoad', {}, WORK_TIMEOUT_MS);
    await agreedTable(
      cluster,
      Object.values(phases).reduce((sum, { calls }) => sum + calls, 0),
    );

    const [before, meanwhile] = [phases[BEFORE]!, phases[MEANWHILE]!];
    const p99Ratio = meanwhile.p99Ms / before.p99Ms;
    return { row, snapshotBytes, times: joinedMs.length, joinedMs: medianOf(joinedMs), before, meanwhile, p99Ratio };
  });
}

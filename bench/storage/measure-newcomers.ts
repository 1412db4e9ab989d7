/**
 * Measures what callers feel while a node that has nothing is given everything, whyever it has nothing: the part that
 * is the same for all such rows. Runs in the parent.
 */

import { strict as assert } from 'node:assert';
import { setTimeout as delay } from 'node:timers/promises';
import { NEVER_BY_ITSELF } from '../cluster/cluster.js';
import type { NodeOperations } from '../cluster/node-operations.js';
import type { NewcomersRow } from '../matrix.js';
import type { Timing } from '../measure.js';
import type { Child } from '../processes/child.js';
import type { NewcomersOutcome } from '../results.js';
import {
  agreedTable,
  CALL_TIMEOUT_MS,
  compactAll,
  IN_FLIGHT_MAX,
  medianOf,
  TEXTS,
  withStorageCluster,
  WORK_TIMEOUT_MS,
  type StorageCluster,
} from './storage-cluster.js';
import { storedBytes } from './stored-bytes.js';

/** Which node has come, and how long that took. */
interface Arrival {
  readonly node: Child<NodeOperations>;
  readonly tookMs: number;
}

/** What is there when newcomers come. */
export interface NewcomersScene {
  readonly cluster: StorageCluster;
  /** Where the leader is, whose callers are measured. */
  readonly leader: number;
  readonly caller: StorageCluster['nodes'][number];
  /** Measures one, and only what `come` does. Resolves with what was prepared. */
  readonly newcomer: <Prepared>(
    prepare: () => Promise<Prepared>,
    come: (prepared: Prepared) => Promise<Arrival>,
  ) => Promise<Prepared>;
}

/** How long one took is the median. */
type NewcomersResult = NewcomersOutcome & { readonly tookMs: number };

const BEFORE = 'before';
const MEANWHILE = 'meanwhile';
/** Not measured: warming up, what newcomers are prepared by, and what is tidied up after them. */
const BESIDE = 'beside';
/** Small entries that are overwritten. */
const KEYS = 100_000;

export function measureNewcomers(
  row: NewcomersRow,
  timing: Timing,
  play: (scene: NewcomersScene) => Promise<void>,
): Promise<NewcomersResult> {
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
    const allMs: number[] = [];
    const newcomer: NewcomersScene['newcomer'] = async (prepare, come) => {
      await enter(BEFORE);
      await delay(timing.durationMs);
      await enter(BESIDE);
      const prepared = await prepare();
      await enter(MEANWHILE);
      const { node, tookMs } = await come(prepared);
      await enter(BESIDE);
      allMs.push(tookMs);
      const { snapshotIndex } = await node.call('status', null, CALL_TIMEOUT_MS);
      assert(snapshotIndex >= filledIndex, 'The node was not given a snapshot, but the log.');
      return prepared;
    };
    await play({ cluster, leader, caller, newcomer });
    const phases = await caller.call('finishLoad', {}, WORK_TIMEOUT_MS);
    await agreedTable(
      cluster,
      Object.values(phases).reduce((sum, { calls }) => sum + calls, 0),
    );

    const [before, meanwhile] = [phases[BEFORE]!, phases[MEANWHILE]!];
    const p99Ratio = meanwhile.p99Ms / before.p99Ms;
    return { snapshotBytes, times: allMs.length, tookMs: medianOf(allMs), before, meanwhile, p99Ratio };
  });
}

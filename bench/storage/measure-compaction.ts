/**
 * Measures what callers feel of it when nodes take snapshots of a large state, one after the other. Runs in the parent.
 */

import { setTimeout as delay } from 'node:timers/promises';
import { NEVER_BY_ITSELF } from '../cluster/cluster.js';
import type { CompactionRow } from '../matrix.js';
import type { Timing } from '../measure.js';
import type { CompactionOutcome, FeltResult } from '../results.js';
import {
  agreedTable,
  CALL_TIMEOUT_MS,
  compactAll,
  IN_FLIGHT_MAX,
  othersThan,
  TEXTS,
  withStorageCluster,
  WORK_TIMEOUT_MS,
  type StorageCluster,
} from './storage-cluster.js';
import type { ThreadStalls } from './thread-stalls.js';

const WARM_UP = 'warm-up';
const QUIET = 'quiet';
const COMPACTING = 'compacting';

export function measureCompaction(row: CompactionRow, timing: Timing): Promise<CompactionOutcome> {
  const settings = { nodes: row.nodes, durable: row.durable, options: { snapshot: NEVER_BY_ITSELF } };
  return withStorageCluster(settings, async (cluster) => {
    const { leader } = await cluster.roles();
    const caller = cluster.nodes[leader]!;
    await caller.call('fill', { entries: row.entries, values: TEXTS }, WORK_TIMEOUT_MS);
    // What is measured is not the first one: it goes on from a snapshot of everything.
    await compactAll(cluster);

    const paced = { callsPerSecond: row.callsPerSecond, inFlightMax: IN_FLIGHT_MAX };
    const keys = { firstKey: 0, keys: row.entries, values: TEXTS };
    await caller.call('startLoad', { ...paced, ...keys, firstPhase: WARM_UP }, CALL_TIMEOUT_MS);
    await delay(timing.warmupMs);
    const quietStalls: ThreadStalls[] = [];
    const compactions: { node: number; phase: string; compactMs: number; stalls: ThreadStalls }[] = [];
    for (const node of [leader, ...othersThan(leader, cluster)]) {
      await enterPhase(cluster, leader, QUIET);
      await delay(timing.durationMs);
      quietStalls.push(await takeStalls(cluster, leader));
      const phase = `node ${node} compacts`;
      await enterPhase(cluster, leader, phase);
      const compactMs = await cluster.nodes[node]!.call('compact', null, WORK_TIMEOUT_MS);
      compactions.push({ node, phase, compactMs, stalls: await takeStalls(cluster, leader) });
    }
    const together = { [COMPACTING]: compactions.map(({ phase }) => phase) };
    const { [COMPACTING]: all, ...phases } = await caller.call('finishLoad', together, WORK_TIMEOUT_MS);
    await agreedTable(
      cluster,
      Object.values(phases).reduce((sum, { calls }) => sum + calls, 0),
    );

    const quiet: FeltResult = { calls: phases[QUIET]!, stalls: longestOf(quietStalls) };
    const compacting: FeltResult = { calls: all!, stalls: longestOf(compactions.map(({ stalls }) => stalls)) };
    const ofNodes = compactions.map(({ node, phase, compactMs, stalls }) => {
      const role = node === leader ? ('leader' as const) : ('follower' as const);
      return { role, compactMs, calls: phases[phase]!, stalls };
    });
    return { row, quiet, compacting, ofNodes, p99Ratio: compacting.calls.p99Ms / quiet.calls.p99Ms };
  });
}

/** What was before is nobody's: stalls are counted from here. */
async function enterPhase(cluster: StorageCluster, caller: number, name: string): Promise<void> {
  await takeStalls(cluster, caller);
  await cluster.nodes[caller]!.call('enterPhase', name, CALL_TIMEOUT_MS);
}

/** Since the last look: the caller's own, and the longest of all nodes. */
async function takeStalls(cluster: StorageCluster, caller: number): Promise<ThreadStalls> {
  const all = await Promise.all(cluster.nodes.map((node) => node.call('takeStalls', null, CALL_TIMEOUT_MS)));
  return { ...longestOf(all), caller: all[caller]!.caller };
}

function longestOf(stalls: readonly ThreadStalls[]): ThreadStalls {
  const longest = (thread: keyof ThreadStalls): number => Math.max(...stalls.map((each) => each[thread]));
  return {
    caller: longest('caller'),
    consensus: longest('consensus'),
    object: longest('object'),
    storage: longest('storage'),
  };
}

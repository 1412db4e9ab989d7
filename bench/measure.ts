/** Measures one row once, on a cluster started for it and stopped after it. Runs in the parent. */

import { setTimeout as delay } from 'node:timers/promises';
import { NEVER_BY_ITSELF, withCluster, type Cluster } from './cluster/cluster.js';
import type { NodeOperations } from './cluster/node-operations.js';
import type { LoadResult, LoadSettings } from './load/closed-loop.js';
import type { LoadRow, MemoryRow } from './matrix.js';
import type { BenchOperations, LoadRequest } from './node-process.js';
import { isObjectOperation, type ObjectOperation } from './objects/object-operation.js';
import type { ObjectBenchOperations } from './objects/object-process.js';
import type { MemoryOutcome } from './results.js';
import type { SinkState } from './sink.js';

const NODE_SCRIPT = new URL('./node-process.js', import.meta.url);
const OBJECT_SCRIPT = new URL('./objects/object-process.js', import.meta.url);
/** What a load may take beyond its stated time, for its last calls to finish. */
export const FINISH_TIMEOUT_MS = 30_000;
const CALL_TIMEOUT_MS = 10_000;
/** Left to each process, after a load and before a look at its memory, to give back what is garbage. */
const QUIET_MS = 1_500;

export interface Timing {
  readonly warmupMs: number;
  readonly durationMs: number;
}

type BenchCluster = Cluster<NodeOperations & BenchOperations>;

/** Runs the load of `row`. Rejects when a call fails, or when two nodes do not hold the same state afterwards. */
export function measureLoad(row: LoadRow, timing: Timing): Promise<LoadResult> {
  const { operation } = row;
  if (isObjectOperation(operation)) return measureObject({ ...row, operation }, timing);
  return withCluster(NODE_SCRIPT, row, async (cluster: BenchCluster) => {
    const caller = (await cluster.roles())[row.caller];
    const result = await runLoad(cluster, caller, { ...row, ...timing, operation });
    await stateOf(cluster, operation === 'write' ? result.commands : 0);
    return result;
  });
}

function measureObject(
  row: LoadRow & { readonly operation: ObjectOperation },
  { warmupMs, durationMs }: Timing,
): Promise<LoadResult> {
  return withCluster(OBJECT_SCRIPT, row, async (cluster: Cluster<NodeOperations & ObjectBenchOperations>) => {
    const { operation, window } = row;
    const caller = cluster.nodes[(await cluster.roles())[row.caller]]!;
    const request = { operation, window, warmupMs, durationMs };
    const result = await caller.call('load', request, warmupMs + durationMs + FINISH_TIMEOUT_MS);
    await cluster.agreedState((node) => node.call('state', null, CALL_TIMEOUT_MS));
    return result;
  });
}

/** How much each process grows per committed command, once it has reached its stride. */
export function measureMemory(row: MemoryRow, timing: Timing): Promise<MemoryOutcome> {
  const options = { snapshot: NEVER_BY_ITSELF };
  const settings = { nodes: row.nodes, threads: true, options, execArgv: ['--expose-gc'] };
  return withCluster(NODE_SCRIPT, settings, async (cluster: BenchCluster) => {
    const { leader } = await cluster.roles();
    const load = { ...row, ...timing, operation: 'write', caller: 'leader' } as const;
    const warm = await runLoad(cluster, leader, load);
    const before = await takeStock(cluster, leader, warm.commands);
    const measured = await runLoad(cluster, leader, { ...load, durationMs: 2 * load.durationMs });
    const after = await takeStock(cluster, leader, before.commands + measured.commands);
    const commands = after.commands - before.commands;
    const grownBytes = after.rss.map((bytes, index) => bytes - before.rss[index]!);
    return { row, commands, grownBytes, bytesPerCommand: Math.max(...grownBytes) / commands };
  });
}

function runLoad(
  cluster: BenchCluster,
  caller: number,
  {
    operation,
    commandBytes,
    window,
    warmupMs,
    durationMs,
  }: LoadSettings & Pick<LoadRequest, 'operation' | 'commandBytes'>,
): Promise<LoadResult> {
  const request = { operation, commandBytes, window, warmupMs, durationMs };
  return cluster.nodes[caller]!.call('load', request, warmupMs + durationMs + FINISH_TIMEOUT_MS);
}

/** The number of commands committed so far, and the memory of each process, the leader's first. */
async function takeStock(
  cluster: BenchCluster,
  leader: number,
  commandsMin: number,
): Promise<{ commands: number; rss: readonly number[] }> {
  const { commands } = await stateOf(cluster, commandsMin);
  await delay(QUIET_MS);
  const leaderFirst = [cluster.nodes[leader]!, ...cluster.nodes.filter((_, index) => index !== leader)];
  const reports = await Promise.all(leaderFirst.map((node) => node.call('memory', null, CALL_TIMEOUT_MS)));
  return { commands, rss: reports.map((report) => report.rss) };
}

/** Every node holds the same commands in the same order, and no fewer than were counted. */
function stateOf(cluster: BenchCluster, commandsMin: number): Promise<SinkState> {
  return cluster.agreedState(
    (node) => node.call('state', null, CALL_TIMEOUT_MS),
    (state) => state.commands >= commandsMin,
  );
}

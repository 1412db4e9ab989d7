/**
 * `npm start`: a cluster of three real processes on this machine, work for it with a live display, a table of how fast
 * it was, and proof that all three servers hold the same. Leaves nothing running; exits with 1 when anything fails.
 */

import { setInterval as every } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { withCluster, type Cluster } from '../../bench/cluster/cluster.js';
import type { NodeOperations } from '../../bench/cluster/node-operations.js';
import type { LoadResult } from '../../bench/load/closed-loop.js';
import { Progress } from '../../bench/progress.js';
import type { Holdings, StartOperations } from './node.js';

const SCRIPT = new URL('./node.js', import.meta.url);
const WINDOWS = [1, 100, 1000, 5000];
const WARMUP_MS = 500;
const CALL_TIMEOUT_MS = 30_000;
const REFRESH_MS = 250;

type StartCluster = Cluster<NodeOperations & StartOperations>;

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { 'duration-ms': { type: 'string', default: '4000' } } });
  const durationMs = Number(values['duration-ms']);
  console.log('Starting three servers …');
  await withCluster(SCRIPT, { nodes: 3, threads: true }, async (cluster: StartCluster) => {
    const { leader } = await cluster.roles();
    cluster.addresses.forEach((address, index) =>
      console.log(`  ${address}  process ${cluster.nodes[index]!.pid}${index === leader ? '  elected leader' : ''}`),
    );
    console.log('\nCounting hits, paying into an account and noting visitors, all on the leader …\n');
    const results = await drive(cluster, leader, durationMs);
    console.log(tableOf(results));
    const holdings = await cluster.agreedState((node) => node.call('holdings', null, CALL_TIMEOUT_MS));
    console.log(`\n${proofOf(cluster, holdings)}`);
  });
  console.log('Stopped: nothing is left running.');
}

/** Runs each window in turn, and shows what is going on meanwhile. */
async function drive(cluster: StartCluster, leader: number, durationMs: number): Promise<LoadResult[]> {
  const node = cluster.nodes[leader]!;
  const results: LoadResult[] = [];
  const progress = new Progress(WINDOWS.length * (WARMUP_MS + durationMs));
  try {
    for (const window of WINDOWS) {
      const stop = new AbortController();
      const watching = watch(node, window, progress, stop.signal);
      try {
        results.push(
          await node.call(
            'load',
            { window, warmupMs: WARMUP_MS, durationMs },
            WARMUP_MS + durationMs + CALL_TIMEOUT_MS,
          ),
        );
      } finally {
        stop.abort();
        await watching;
      }
    }
  } finally {
    progress.stop();
  }
  return results;
}

async function watch(
  node: StartCluster['nodes'][number],
  window: number,
  progress: Progress,
  signal: AbortSignal,
): Promise<void> {
  progress.label(`${window} in flight`);
  let before = { calls: 0, atMs: 0 };
  try {
    for await (const _ of every(REFRESH_MS, undefined, { signal })) {
      const now = { calls: await node.call('calls', null, CALL_TIMEOUT_MS), atMs: performance.now() };
      const perSecond = ((now.calls - before.calls) / (now.atMs - before.atMs)) * 1000;
      if (before.atMs > 0) progress.label(`${window} in flight: ${thousands(perSecond)} commands/s`);
      before = now;
    }
  } catch (error) {
    // Being told to stop is how it ends. What else goes wrong here goes wrong for the load too, which reports it.
    if (!signal.aborted) progress.label(String(error));
  }
}

function tableOf(results: readonly LoadResult[]): string {
  const head = ['in flight', 'commands/s', 'p50', 'p99'];
  const rows = results.map((result, index) => [
    String(WINDOWS[index]),
    thousands(result.commandsPerSecond),
    `${result.p50Ms.toFixed(2)} ms`,
    `${result.p99Ms.toFixed(2)} ms`,
  ]);
  return [head, ...rows].map((cells) => cells.map((cell) => cell.padStart(12)).join('')).join('\n');
}

function proofOf(cluster: StartCluster, { hits, balance, visitors, digest }: Holdings): string {
  const held = `${thousands(hits)} hits, a balance of ${thousands(balance)}, ${thousands(visitors)} visitors (${digest.slice(0, 12)}…)`;
  return [
    `All ${cluster.nodes.length} servers hold the same:`,
    ...cluster.addresses.map((each) => `  ${each}  ${held}`),
  ].join('\n');
}

function thousands(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

main().catch((error: unknown) => {
  console.error(`\nIt did not work: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
});

/**
 * `npm run bench`: measures every row of the matrix and writes bench/results/latest.json. Rows can be picked and
 * shortened; a file says how it was made, and the committed one is made whole.
 */

import { parseArgs } from 'node:util';
import { environment } from './environment.js';
import { hasLimit, measureLimit } from './limit/measure-limit.js';
import type { LoadResult } from './load/closed-loop.js';
import { ROWS, type LoadRow, type Row } from './matrix.js';
import { measureLoad, measureMemory, type Timing } from './measure.js';
import { Progress } from './progress.js';
import { RESULTS_FORMAT, writeResults, type LoadOutcome, type MemoryOutcome } from './results.js';

/** This file runs from build/bench. */
const ROOT = new URL('../../', import.meta.url);
/** Starting, comparing and stopping a cluster, roughly. */
const OVERHEAD_MS = 2_000;

const USAGE = `npm run bench -- [options]
  --quick              one short round of each row
  --only REGEX         only the rows whose name matches
  --duration-ms N      how long each row is measured (3000; --quick: 1000)
  --warmup-ms N        and runs before that (2000; --quick: 500)
  --rounds N           how often; the median counts (3; --quick: 1)
  --out FILE           where to write (bench/results/latest.json; partial.json when not everything is measured in full)
  --list               print the names of the rows`;

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
    'duration-ms': { type: 'string' },
    'warmup-ms': { type: 'string' },
    rounds: { type: 'string' },
    out: { type: 'string' },
    list: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

async function main(): Promise<void> {
  if (values.help) return console.log(USAGE);
  const rows = ROWS.filter((row) => new RegExp(values.only).test(row.name));
  if (values.list) return console.log(rows.map((row) => row.name).join('\n'));
  if (rows.length === 0) throw new Error(`No row's name matches ${values.only}. See --list.`);

  const timing = {
    durationMs: count('duration-ms', values.quick ? 1_000 : 3_000),
    warmupMs: count('warmup-ms', values.quick ? 500 : 2_000),
  };
  const rounds = count('rounds', values.quick ? 1 : 3);
  const load: LoadOutcome[] = [];
  const memory: MemoryOutcome[] = [];
  // Now, for what is committed or edited while it runs is not what is measured.
  const measured = environment();
  const progress = new Progress(expectedMs(rows, timing, rounds));
  try {
    for (const row of rows) {
      progress.label(row.name);
      if (row.kind === 'load') {
        const outcome = await measureRounds(row, timing, rounds);
        load.push(outcome);
        progress.log(describeLoad(outcome));
      } else {
        const outcome = await measureMemory(row, timing);
        memory.push(outcome);
        progress.log(`${row.name.padEnd(52)} ${outcome.bytesPerCommand.toFixed(1)} bytes per command`);
      }
    }
  } finally {
    progress.stop();
  }
  const whole = !values.quick && rows.length === ROWS.length;
  const file = values.out ?? new URL(`bench/results/${whole ? 'latest' : 'partial'}.json`, ROOT);
  await writeResults(file, {
    format: RESULTS_FORMAT,
    environment: measured,
    settings: { ...timing, rounds },
    load,
    memory,
  });
}

async function measureRounds(row: LoadRow, timing: Timing, rounds: number): Promise<LoadOutcome> {
  const measured: LoadResult[] = [];
  const limits: LoadResult[] = [];
  for (let round = 0; round < rounds; round++) {
    measured.push(await measureLoad(row, timing));
    if (hasLimit(row)) limits.push(await measureLimit(row, timing));
  }
  return {
    row,
    result: medianOf(measured),
    rounds: measured,
    limit: limits.length === 0 ? null : { result: medianOf(limits), rounds: limits },
  };
}

function medianOf(results: readonly LoadResult[]): LoadResult {
  const sorted = results.toSorted((a, b) => a.commandsPerSecond - b.commandsPerSecond);
  return sorted[Math.floor((sorted.length - 1) / 2)]!;
}

function expectedMs(rows: readonly Row[], { warmupMs, durationMs }: Timing, rounds: number): number {
  const onceMs = warmupMs + durationMs + OVERHEAD_MS;
  return rows.reduce(
    (sum, row) => sum + (row.kind === 'memory' ? 4 * onceMs : rounds * (hasLimit(row) ? 2 : 1) * onceMs),
    0,
  );
}

function describeLoad({ row, result, limit }: LoadOutcome): string {
  const share =
    limit === null ? '' : `, ${(result.commandsPerSecond / limit.result.commandsPerSecond).toFixed(2)} of the limit`;
  return (
    `${row.name.padEnd(52)} ${Math.round(result.commandsPerSecond).toLocaleString('en').padStart(9)}/s, ` +
    `p50 ${result.p50Ms.toFixed(2)} ms, p99 ${result.p99Ms.toFixed(2)} ms${share}`
  );
}

function count(option: 'duration-ms' | 'warmup-ms' | 'rounds', fallback: number): number {
  const text = values[option];
  if (text === undefined) return fallback;
  if (!/^[1-9]\d*$/.test(text)) throw new Error(`--${option} takes a whole number above zero, not ${text}.`);
  return Number(text);
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});

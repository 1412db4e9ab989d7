/**
 * `npm run bench`: measures every row of the matrix and writes bench/results/latest.json. Rows can be picked and
 * shortened; a file says how it was made, and the committed one is made whole.
 */

import { parseArgs } from 'node:util';
import {
  describeCatchUp,
  describeCompaction,
  describeDiskUse,
  describeJoin,
  describeLoad,
  describeLocks,
  describeMemory,
  describeRestart,
} from './describe.js';
import { fdatasyncMs } from './disk-speed.js';
import { environment } from './environment.js';
import { hasLimit, measureLimit } from './limit/measure-limit.js';
import type { LoadResult } from './load/closed-loop.js';
import { measureLocks } from './locks/measure-locks.js';
import { rowsOf, type LoadRow, type Row } from './matrix.js';
import { measureLoad, measureMemory, type Timing } from './measure.js';
import { Progress } from './progress.js';
import { noOutcomes, RESULTS_FORMAT, writeResults, type LoadOutcome } from './results.js';
import { measureCatchUp } from './storage/measure-catch-up.js';
import { measureCompaction } from './storage/measure-compaction.js';
import { measureDiskUse } from './storage/measure-disk-use.js';
import { measureJoin } from './storage/measure-join.js';
import { measureRestart } from './storage/measure-restart.js';

/** This file runs from build/bench. */
const ROOT = new URL('../../', import.meta.url);
/** Starting, comparing and stopping a cluster, roughly. */
const OVERHEAD_MS = 2_000;

const USAGE = `npm run bench -- [options]
  --quick              one short round of each row, with smaller logs and states
  --only REGEX         only the rows whose name matches
  --duration-ms N      how long each row is measured (2000; --quick: 1000)
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
  const allRows = rowsOf({ isQuick: values.quick });
  const rows = allRows.filter((row) => new RegExp(values.only).test(row.name));
  if (values.list) return console.log(rows.map((row) => row.name).join('\n'));
  if (rows.length === 0) throw new Error(`No row's name matches ${values.only}. See --list.`);

  const timing = {
    durationMs: count('duration-ms', values.quick ? 1_000 : 2_000),
    warmupMs: count('warmup-ms', values.quick ? 500 : 2_000),
  };
  const rounds = count('rounds', values.quick ? 1 : 3);
  const outcomes = noOutcomes();
  // Now, for what is committed or edited while it runs is not what is measured.
  const measured = environment();
  const syncMs = rows.some(({ durable }) => durable) ? await fdatasyncMs() : null;
  const progress = new Progress(expectedMs(rows, timing, rounds));
  try {
    for (const row of rows) {
      progress.label(row.name);
      progress.log(await measureRow(row));
    }
  } finally {
    progress.stop();
  }
  const whole = !values.quick && rows.length === allRows.length;
  const file = values.out ?? new URL(`bench/results/${whole ? 'latest' : 'partial'}.json`, ROOT);
  await writeResults(file, {
    format: RESULTS_FORMAT,
    environment: measured,
    fdatasyncMs: syncMs,
    settings: { ...timing, rounds },
    ...outcomes,
  });

  /** Adds the outcome of one row, and says it. */
  async function measureRow(row: Row): Promise<string> {
    switch (row.kind) {
      case 'load':
        return describeLoad(added(outcomes.load, await measureRounds(row, timing, rounds)));
      case 'memory':
        return describeMemory(added(outcomes.memory, await measureMemory(row, timing)));
      case 'compaction':
        return describeCompaction(added(outcomes.compaction, await measureCompaction(row, timing)));
      case 'restart':
        return describeRestart(added(outcomes.restart, await measureRestart(row, rounds)));
      case 'catchUp':
        return describeCatchUp(added(outcomes.catchUp, await measureCatchUp(row, timing, rounds)));
      case 'join':
        return describeJoin(added(outcomes.join, await measureJoin(row, timing, rounds)));
      case 'diskUse':
        return describeDiskUse(added(outcomes.diskUse, await measureDiskUse(row)));
      case 'lock':
        return describeLocks(added(outcomes.locks, await measureLocks(row, timing, rounds)));
    }
  }
}

function added<Outcome>(outcomes: Outcome[], outcome: Outcome): Outcome {
  outcomes.push(outcome);
  return outcome;
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

/** Roughly; the bar follows it. */
function expectedMs(rows: readonly Row[], { warmupMs, durationMs }: Timing, rounds: number): number {
  const onceMs = warmupMs + durationMs + OVERHEAD_MS;
  const rowMs = (row: Row): number => {
    switch (row.kind) {
      case 'load':
        return rounds * (hasLimit(row) ? 2 : 1) * onceMs;
      case 'memory':
        return 4 * onceMs;
      case 'restart':
        return row.from === 'log' ? row.entries / 25 : row.entries / 100;
      case 'compaction':
        return row.entries / 50 + row.nodes * durationMs + onceMs;
      case 'catchUp':
        return row.entries / 10 + 2 * onceMs;
      case 'join':
        return row.entries / 5 + rounds * (2 * onceMs + durationMs);
      case 'diskUse':
        return 10_000;
      case 'lock':
        return rounds * (row.load === 'death' ? 1 : 4) * onceMs;
    }
  };
  return rows.reduce((sum, row) => sum + rowMs(row), 0);
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

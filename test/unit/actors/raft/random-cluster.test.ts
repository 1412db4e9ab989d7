/**
 * Raft's promises hold in histories full of faults, and each history ends well once the faults end. `RAFT_SEED=n`
 * replays one history, `RAFT_SEEDS=n` looks at as many.
 */

import { describe, expect, test } from 'vitest';
import { runRandomly } from './cluster/random-run.js';

const SEEDS_PER_TEST = 10;
/** Generous: a machine may be busy with other things. */
const TIMEOUT_MS = 60_000;
const only = process.env['RAFT_SEED'];
const count = Number(process.env['RAFT_SEEDS'] ?? 150);
const first = only === undefined ? 1 : Number(only);
const end = only === undefined ? first + count : first + 1;

const ranges: [number, number][] = [];
for (let from = first; from < end; from += SEEDS_PER_TEST)
  ranges.push([from, Math.min(from + SEEDS_PER_TEST, end) - 1]);

describe('random histories', () => {
  test.each(ranges)(
    'seeds %i to %i keep what Raft promises',
    (from, to) => {
      for (let seed = from; seed <= to; seed++) expect(() => runNamed(seed)).not.toThrow();
    },
    TIMEOUT_MS,
  );
});

function runNamed(seed: number): void {
  try {
    runRandomly(seed);
  } catch (cause) {
    const what = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`Seed ${seed}: ${what}\nReplay it with RAFT_SEED=${seed} npx vitest run random-cluster`, { cause });
  }
}

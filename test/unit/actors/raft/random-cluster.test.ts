/**
 * Raft's promises hold in histories full of faults, and each history ends well once the faults end. `RAFT_SEED=n`
 * replays one history, `RAFT_SEEDS=n` looks at as many.
 */

import { describe, expect, test } from 'vitest';
import { runRandomly, type RunOptions } from './cluster/random-run.js';

const SEEDS_PER_TEST = 10;
/** Generous: a machine may be busy with other things. */
const TIMEOUT_MS = 60_000;
const only = process.env['RAFT_SEED'];
const count = Number(process.env['RAFT_SEEDS'] ?? 120);
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

describe('histories in which voters lose their memory', () => {
  const ABOUT_MEMORY = { isAboutMemory: true };
  /** One in twelve loses something, if voters come back naively. */
  const NAIVE_RUNS_MAX = 150;

  test.each(ranges.slice(0, Math.ceil(ranges.length / 5)))(
    'seeds %i to %i keep what Raft promises',
    (from, to) => {
      for (let seed = from; seed <= to; seed++) expect(() => runNamed(seed, ABOUT_MEMORY)).not.toThrow();
    },
    TIMEOUT_MS,
  );

  test(
    'have nodes take messages of a peer that has lost its memory and come back since',
    () => {
      let taken = 0;
      for (let seed = 1; seed <= 3 * SEEDS_PER_TEST; seed++) taken += runRandomly(seed, ABOUT_MEMORY).takenAcrossLives;
      expect(taken).toBeGreaterThan(0);
    },
    TIMEOUT_MS,
  );

  test(
    'lose what is committed if such a voter comes back as the one that it was, and do not if it must be let in again',
    () => {
      const loss = firstLoss({ ...ABOUT_MEMORY, isNaive: true }, NAIVE_RUNS_MAX);
      expect(loss).toMatchObject({ promise: expect.stringMatching(/^leader completeness: .* without the committed/) });
      for (let seed = first; seed <= loss!.seed; seed++) {
        expect(() => runNamed(seed, ABOUT_MEMORY)).not.toThrow();
      }
    },
    TIMEOUT_MS,
  );
});

describe('histories in which some are further away than a heartbeat takes to be due', () => {
  test.each(ranges.slice(0, Math.ceil(ranges.length / 4)))(
    'seeds %i to %i keep what Raft promises, and all are let in again',
    (from, to) => {
      for (let seed = from; seed <= to; seed++) {
        expect(() => runNamed(seed, { isAboutMemory: true, isAboutDistance: true })).not.toThrow();
      }
    },
    TIMEOUT_MS,
  );
});

describe('histories in which members come and go', () => {
  const ABOUT_MEMBERS = { isAboutMembers: true };

  test.each(ranges.slice(0, Math.ceil(ranges.length / 2)))(
    'seeds %i to %i keep what Raft promises',
    (from, to) => {
      for (let seed = from; seed <= to; seed++) expect(() => runNamed(seed, ABOUT_MEMBERS)).not.toThrow();
    },
    TIMEOUT_MS,
  );

  test(
    'have many changes, and many nodes that hear of their removal',
    () => {
      const runs = 2 * SEEDS_PER_TEST;
      const reports = Array.from({ length: runs }, (_, i) => runRandomly(i + 1, ABOUT_MEMBERS));
      expect(reports.reduce((sum, { changesBegun }) => sum + changesBegun, 0)).toBeGreaterThan(runs);
      expect(reports.reduce((sum, { removals }) => sum + removals, 0)).toBeGreaterThan(runs / 2);
    },
    TIMEOUT_MS,
  );
});

/** The first history in which something that was committed is lost. */
function firstLoss(options: RunOptions, runsMax: number): { readonly seed: number; readonly promise: string } | null {
  for (let seed = first; seed < first + runsMax; seed++) {
    try {
      runRandomly(seed, options);
    } catch (error) {
      const promise = error instanceof Error ? error.message : String(error);
      if (promise.startsWith('leader completeness')) return { seed, promise };
    }
  }
  return null;
}

function runNamed(seed: number, options?: RunOptions): void {
  try {
    runRandomly(seed, options);
  } catch (cause) {
    const what = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`Seed ${seed}: ${what}\nReplay it with RAFT_SEED=${seed} npx vitest run random-cluster`, { cause });
  }
}

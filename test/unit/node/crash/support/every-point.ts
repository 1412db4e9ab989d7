/**
 * Tries each point of a short history of one node, or a sample of them: what befalls its disk there is up to the test.
 * By default a sample is tried; of a test with the variable `NODE_X`, `NODE_X_ALL=n` tries each point n times,
 * `NODE_X_SEED=n` takes another sample, and `NODE_X=point:seed` replays one run.
 */

import assert from 'node:assert/strict';
import { beforeAll, test } from 'vitest';
import { ConclaveError } from '../../../../../src/errors.js';
import { SimulatedDisk } from '../../../../../src/testing/simulated-disk.js';
import { JournalHost } from './journal-host.js';
import { JournalWitness } from './journal-witness.js';
import { HISTORY, live, SELF, type Life } from './single-node.js';

export interface EveryPoint {
  readonly title: string;
  /** What there is at a point, as in "operation 5". */
  readonly what: string;
  readonly variable: string;
  /** The test's file, without its ending. */
  readonly file: string;
  /** A sample has one of so many points. */
  readonly stride: number;
  /** How many points a disk has been through, counted from 1. */
  readonly pointsOf: (disk: SimulatedDisk) => number;
  readonly run: (point: number, seed: number) => Promise<void>;
}

const TIMEOUT_MS = 3_600_000;

/** Makes the tests. */
export function testEveryPoint({ title, what, variable, file, stride, pointsOf, run }: EveryPoint): void {
  const all = Number(process.env[`${variable}_ALL`] ?? 0);
  const sampleSeed = Number(process.env[`${variable}_SEED`] ?? 1);
  const only = process.env[variable]?.split(':').map(Number);

  const runNamed = async (point: number, seed: number): Promise<void> => {
    try {
      await run(point, seed);
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new Error(
        `At ${what} ${point}, seed ${seed}: ${why}\n` +
          `Replay it with ${variable}=${point}:${seed} npx vitest run --project inline node/crash/${file}`,
        { cause },
      );
    }
  };

  let points = 0;

  beforeAll(async () => {
    const disk = new SimulatedDisk(1);
    assert(!(await live(new JournalHost(1, [SELF]), disk, new JournalWitness(), HISTORY)));
    points = pointsOf(disk);
  });

  test('the history has several segments, and snapshots come and go', () => {
    assert(points > 200, `only ${points} points`);
  });

  test(
    `${title} (${only === undefined ? `sample ${sampleSeed}` : only.join(':')})`,
    async () => {
      if (only !== undefined) return runNamed(only[0]!, only[1]!);
      const step = all > 0 ? 1 : stride;
      const seeds = Array.from({ length: Math.max(1, all) }, (_, i) => sampleSeed + i);
      for (const seed of seeds) {
        for (let point = 1 + (seed % step); point <= points; point += step) await runNamed(point, seed);
      }
    },
    TIMEOUT_MS,
  );
}

/** The node lives the history, until its disk fails it: only with the error of one, and what is left open is closed. */
export async function liveUntilFailure(life: Life): Promise<void> {
  try {
    await life.begin();
    for (const step of HISTORY) {
      await life.take(step).catch((error: unknown) => {
        if (!(error instanceof ConclaveError) || error.code !== 'ERR_COMPACTION_FAILED') throw error;
      });
    }
  } catch (error) {
    if (!(error instanceof ConclaveError) || error.code !== 'ERR_STORAGE') throw error;
  }
  await life.abandon();
}

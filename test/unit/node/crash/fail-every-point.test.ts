/**
 * A whole node whose disk fails at any one operation of a short history, and works again after: a snapshot that could
 * not be taken costs nothing else, and anything else ends the node with `ERR_STORAGE`; the next start finds everything
 * acknowledged. By default a sample of the operations is looked at; `NODE_FAIL_ALL=n` looks at each of them n times,
 * `NODE_FAIL_SEED=n` takes another sample, and `NODE_FAIL=point:seed` replays one run.
 */

import assert from 'node:assert/strict';
import { beforeAll, test } from 'vitest';
import { ConclaveError } from '../../../../src/errors.js';
import { randomBelow, SeededRandom } from '../../../../src/runtime/random.js';
import { SimulatedDisk } from '../../../../src/testing/simulated-disk.js';
import { JournalWitness } from './support/journal-witness.js';
import { JournalHost } from './support/journal-host.js';
import { AFTERLIFE, HISTORY, Life, live, SELF } from './support/single-node.js';

const TIMEOUT_MS = 3_600_000;
const STRIDE = 6;
const all = Number(process.env['NODE_FAIL_ALL'] ?? 0);
const sampleSeed = Number(process.env['NODE_FAIL_SEED'] ?? 1);
const only = process.env['NODE_FAIL']?.split(':').map(Number);

async function failAt(point: number, seed: number): Promise<void> {
  const random = new SeededRandom(point * 1_000_003 + seed);
  const host = new JournalHost(random.uint32(), [SELF]);
  const disk = new SimulatedDisk(random.uint32());
  const witness = new JournalWitness();
  disk.failAt(point, randomBelow(random, 2) === 0 ? 'EIO' : 'ENOSPC');
  await host.runTest(() => liveUntilFailure(new Life(host, disk, witness)));
  assert.equal(disk.openFiles, 0, 'no file is left open');
  const next = randomBelow(random, 2) === 0 ? disk.afterProcessDeath() : disk.afterPowerLoss(random.uint32());
  assert(!(await live(host, next, witness, AFTERLIFE)), 'nothing crashes');
}

async function liveUntilFailure(life: Life): Promise<void> {
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

async function failNamed(point: number, seed: number): Promise<void> {
  try {
    await failAt(point, seed);
  } catch (cause) {
    const what = cause instanceof Error ? cause.message : String(cause);
    throw new Error(
      `Failure of operation ${point}, seed ${seed}: ${what}\n` +
        `Replay it with NODE_FAIL=${point}:${seed} npx vitest run --project inline node/crash/fail-every-point`,
      { cause },
    );
  }
}

let operations = 0;

beforeAll(async () => {
  const disk = new SimulatedDisk(1);
  assert(!(await live(new JournalHost(1, [SELF]), disk, new JournalWitness(), HISTORY)));
  operations = disk.operations;
});

test(
  `a failure loses nothing (${only === undefined ? `sample ${sampleSeed}` : only.join(':')})`,
  async () => {
    if (only !== undefined) return failNamed(only[0]!, only[1]!);
    const stride = all > 0 ? 1 : STRIDE;
    const seeds = Array.from({ length: Math.max(1, all) }, (_, i) => sampleSeed + i);
    for (const seed of seeds) {
      for (let point = 1 + (seed % stride); point <= operations; point += stride) await failNamed(point, seed);
    }
  },
  TIMEOUT_MS,
);

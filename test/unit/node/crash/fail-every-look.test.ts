/**
 * A whole node whose disk, at any one time of a short history, does not say what is there, and says so the next time:
 * a snapshot that could not be taken costs nothing else, and anything else ends the node with `ERR_STORAGE`; nothing is
 * taken for damaged or for missing, and the next start finds everything acknowledged. By default a sample of the looks
 * is taken; `NODE_LOOK_ALL=n` takes each of them n times, `NODE_LOOK_SEED=n` takes another sample, and
 * `NODE_LOOK=look:seed` replays one run.
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
const STRIDE = 16;
const all = Number(process.env['NODE_LOOK_ALL'] ?? 0);
const sampleSeed = Number(process.env['NODE_LOOK_SEED'] ?? 1);
const only = process.env['NODE_LOOK']?.split(':').map(Number);

async function failAt(look: number, seed: number): Promise<void> {
  const random = new SeededRandom(look * 1_000_003 + seed);
  const host = new JournalHost(random.uint32(), [SELF]);
  const disk = new SimulatedDisk(random.uint32());
  const witness = new JournalWitness();
  disk.failLookAt(look, randomBelow(random, 2) === 0 ? 'EIO' : 'EMFILE');
  await host.runTest(() => liveUntilFailure(new Life(host, disk, witness)));
  assert.equal(disk.openFiles, 0, 'no file is left open');
  const next = randomBelow(random, 2) === 0 ? disk.afterProcessDeath() : disk.afterPowerLoss(random.uint32());
  assert(!(await live(host, next, witness, AFTERLIFE)), 'nothing crashes');
  const bad = [...next.files().keys()].filter((name) => name.endsWith('.bad'));
  assert.deepEqual(bad, [], 'nothing is taken for damaged');
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

async function failNamed(look: number, seed: number): Promise<void> {
  try {
    await failAt(look, seed);
  } catch (cause) {
    const what = cause instanceof Error ? cause.message : String(cause);
    throw new Error(
      `Failure of look ${look}, seed ${seed}: ${what}\n` +
        `Replay it with NODE_LOOK=${look}:${seed} npx vitest run --project inline node/crash/fail-every-look`,
      { cause },
    );
  }
}

let looks = 0;

beforeAll(async () => {
  const disk = new SimulatedDisk(1);
  assert(!(await live(new JournalHost(1, [SELF]), disk, new JournalWitness(), HISTORY)));
  looks = disk.looks;
});

test(
  `what the disk does not say is not lost (${only === undefined ? `sample ${sampleSeed}` : only.join(':')})`,
  async () => {
    if (only !== undefined) return failNamed(only[0]!, only[1]!);
    const stride = all > 0 ? 1 : STRIDE;
    const seeds = Array.from({ length: Math.max(1, all) }, (_, i) => sampleSeed + i);
    for (const seed of seeds) {
      for (let look = 1 + (seed % stride); look <= looks; look += stride) await failNamed(look, seed);
    }
  },
  TIMEOUT_MS,
);

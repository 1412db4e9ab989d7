/**
 * A whole node whose disk crashes at any operation of a short history, by loss of power or by the death of the process:
 * it starts again with everything that it has acknowledged, once and in order, works on, and survives a second crash.
 * By default a sample of the operations is looked at; `NODE_CRASH_ALL=n` looks at each of them n times,
 * `NODE_CRASH_SEED=n` takes another sample, and `NODE_CRASH=point:seed` replays one run.
 */

import assert from 'node:assert/strict';
import { beforeAll, expect, test } from 'vitest';
import { randomBelow, SeededRandom, type Random } from '../../../../src/runtime/random.js';
import { SimulatedDisk } from '../../../../src/testing/simulated-disk.js';
import { JournalWitness } from './support/journal-witness.js';
import { JournalHost } from './support/journal-host.js';
import { AFTERLIFE, HISTORY, live, SELF } from './support/single-node.js';

const TIMEOUT_MS = 3_600_000;
const STRIDE = 8;
const all = Number(process.env['NODE_CRASH_ALL'] ?? 0);
const sampleSeed = Number(process.env['NODE_CRASH_SEED'] ?? 1);
const only = process.env['NODE_CRASH']?.split(':').map(Number);
/** A second crash comes within as many operations, those of the start included. */
const SECOND_CRASH_WITHIN = [20, 150] as const;

/** How a machine may end. */
type Death = (disk: SimulatedDisk, random: Random) => SimulatedDisk;

const DEATHS: readonly Death[] = [
  (disk, random) => disk.afterPowerLoss(random.uint32()),
  (disk) => disk.afterProcessDeath(),
  // The process dies, and before the next one has done anything the power goes, too.
  (disk, random) => disk.afterProcessDeath().afterPowerLoss(random.uint32()),
];

async function crashAt(point: number, seed: number): Promise<void> {
  const random = new SeededRandom(point * 1_000_003 + seed);
  const host = new JournalHost(random.uint32(), [SELF]);
  const disk = new SimulatedDisk(random.uint32());
  const witness = new JournalWitness();
  disk.crashAt(point);
  // How many operations there are depends a little on who has had their turn when.
  if (!(await live(host, disk, witness, HISTORY))) return;
  for (const death of DEATHS) await goOn(host, death(disk, random), witness.clone(), random);
}

/** The node goes on until a second crash, and after that to the end. */
async function goOn(host: JournalHost, disk: SimulatedDisk, witness: JournalWitness, random: Random): Promise<void> {
  disk.crashAt(1 + randomBelow(random, SECOND_CRASH_WITHIN[randomBelow(random, 2)]!));
  const hasCrashed = await live(host, disk, witness, AFTERLIFE);
  const last = hasCrashed ? DEATHS[randomBelow(random, DEATHS.length)]!(disk, random) : disk.afterProcessDeath();
  assert(!(await live(host, last, witness, AFTERLIFE)), 'nothing crashes the last life');
  const names = [...last.files().keys()];
  assert.equal(names.filter((name) => name.startsWith('/data/snapshots')).length, 2, `two snapshots: ${names.join()}`);
}

async function crashNamed(point: number, seed: number): Promise<void> {
  try {
    await crashAt(point, seed);
  } catch (cause) {
    const what = cause instanceof Error ? cause.message : String(cause);
    throw new Error(
      `Crash at operation ${point}, seed ${seed}: ${what}\n` +
        `Replay it with NODE_CRASH=${point}:${seed} npx vitest run --project inline node/crash/crash-every-point`,
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

test('the history has several segments and snapshots come and go', () => {
  expect(operations).toBeGreaterThan(200);
});

test(
  `a crash loses nothing (${only === undefined ? `sample ${sampleSeed}` : only.join(':')})`,
  async () => {
    if (only !== undefined) return crashNamed(only[0]!, only[1]!);
    const stride = all > 0 ? 1 : STRIDE;
    const seeds = Array.from({ length: Math.max(1, all) }, (_, i) => sampleSeed + i);
    for (const seed of seeds) {
      for (let point = 1 + (seed % stride); point <= operations; point += stride) await crashNamed(point, seed);
    }
  },
  TIMEOUT_MS,
);

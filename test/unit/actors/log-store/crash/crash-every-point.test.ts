/**
 * A crash at every write and sync point of a short history, by loss of power and by the death of the process: what was
 * acknowledged is there, nothing else is but what was asked for, and the store goes on, through a second crash too.
 * `LOG_CRASH_SEEDS=n` runs each point n times, `LOG_CRASH=point:seed` replays one run.
 */

import assert from 'node:assert/strict';
import { expect, test } from 'vitest';
import { randomBelow, SeededRandom, type Random } from '../../../../../src/runtime/random.js';
import { SimulatedCrash } from '../../../../../src/testing/simulated-disk-crash.js';
import { SimulatedDisk } from '../../../../../src/testing/simulated-disk.js';
import { afterlife, GROUPS, HISTORY, HistoryRun, SEGMENT_BYTES } from './history.js';
import { Witness } from './witness.js';

const TIMEOUT_MS = 60_000;
const SEEDS = Number(process.env['LOG_CRASH_SEEDS'] ?? 1);
const only = process.env['LOG_CRASH']?.split(':').map(Number);
const POINTS_PER_TEST = 20;
/** A second crash comes within as many operations: about those that open the log, or more. */
const SECOND_CRASH_WITHIN = [8, 30] as const;

/** How a machine may end. */
type Death = (disk: SimulatedDisk, random: Random) => SimulatedDisk;

/** Two for each run: the process dies, or the power goes. */
const DEATHS: readonly (readonly [Death, Death])[] = [
  [(disk) => disk.afterProcessDeath(), (disk, random) => disk.afterPowerLoss(random.uint32())],
  [
    (disk, random) => disk.afterPowerLoss(random.uint32()),
    // The process dies, and before the next one has done anything the power goes, too.
    (disk, random) => disk.afterProcessDeath().afterPowerLoss(random.uint32()),
  ],
  [(disk, random) => disk.afterPowerLoss(random.uint32()), (disk) => disk.afterProcessDeath()],
];

/** Runs until the disk crashes; false: it did not. */
function crashes(run: () => void): boolean {
  try {
    run();
    return false;
  } catch (error) {
    if (error instanceof SimulatedCrash) return true;
    throw error;
  }
}

/** One life from the opening of the store to its closing, or to the crash that ends it. */
function live(disk: SimulatedDisk, witness: Witness): boolean {
  return crashes(() => {
    const run = new HistoryRun(disk, witness);
    run.run(afterlife(witness));
    run.close();
    assert.equal(disk.openFiles, 0, 'closing leaves no file open');
  });
}

/** Runs the history up to the crash at this operation. */
function crashed(point: number, random: Random): { disk: SimulatedDisk; witness: Witness } {
  const disk = new SimulatedDisk(random.uint32());
  const witness = new Witness(GROUPS);
  disk.crashAt(point);
  const isCrashed = crashes(() => {
    const run = new HistoryRun(disk, witness);
    run.run(HISTORY);
    run.close();
  });
  assert(isCrashed, 'the history reaches the point');
  return { disk, witness };
}

function crashAt(point: number, seed: number): void {
  const random = new SeededRandom(point * 1_000_003 + seed);
  const { disk, witness } = crashed(point, random);
  const [die, dieAndGoOn] = DEATHS[(point + seed) % DEATHS.length]!;
  checkReported(die(disk, random), witness.clone(), random);
  goOn(dieAndGoOn(disk, random), witness, random);
}

/** What a recovery has reported is durable, for consensus rests on it from then on. */
function checkReported(disk: SimulatedDisk, witness: Witness, random: Random): void {
  new HistoryRun(disk, witness).abandon();
  new HistoryRun(disk.afterPowerLoss(random.uint32()), witness).abandon();
}

/** The store goes on until a second crash, and after that to the end. */
function goOn(disk: SimulatedDisk, witness: Witness, random: Random): void {
  disk.crashAt(1 + randomBelow(random, SECOND_CRASH_WITHIN[randomBelow(random, 2)]!));
  const last = live(disk, witness) ? disk.afterPowerLoss(random.uint32()) : disk;
  assert(!live(last, witness), 'nothing crashes the last life');
  checkReported(last, witness, random);
}

/**
 * The process dies at this operation, the next one anywhere in its opening, and then the power goes: what the second
 * one has found, and not yet made durable, may be lost again.
 */
function crashInOpening(point: number, seed: number): void {
  const random = new SeededRandom(point * 1_000_003 + seed);
  const { disk, witness } = crashed(point, random);
  // Right before records are synced there is most to lose, and at the other operations no more than that.
  if (!/: sync .*\.wal/.test(disk.crash!.message)) return;
  for (let operation = 1; ; operation++) {
    const [second, found] = [disk.afterProcessDeath(), witness.clone()];
    second.crashAt(operation);
    if (!crashes(() => new HistoryRun(second, found).abandon())) break;
    new HistoryRun(second.afterPowerLoss(random.uint32()), found).abandon();
  }
}

/** The disk as the history leaves it when nothing crashes. */
function afterHistory(): SimulatedDisk {
  const disk = new SimulatedDisk(1);
  const run = new HistoryRun(disk, new Witness(GROUPS));
  run.run(HISTORY);
  run.close();
  return disk;
}

function runNamed(run: (point: number, seed: number) => void, point: number, seed: number): void {
  try {
    run(point, seed);
  } catch (cause) {
    const what = cause instanceof Error ? cause.message : String(cause);
    throw new Error(
      `Crash at operation ${point}, seed ${seed}: ${what}\n` +
        `Replay it with LOG_CRASH=${point}:${seed} npx vitest run crash-every-point`,
      { cause },
    );
  }
}

const finished = afterHistory();
const ranges: [number, number][] = [];
for (let from = 1; from <= finished.operations; from += POINTS_PER_TEST) {
  ranges.push([from, Math.min(from + POINTS_PER_TEST - 1, finished.operations)]);
}

test('without a crash the history fills many segments, and leaves one', () => {
  const names = [...finished.files().keys()].filter((path) => path.endsWith('.wal'));
  const bytes = [...finished.files().values()].reduce((sum, { length }) => sum + length, 0);

  expect(Number.parseInt(names.at(-1)!.slice(-8), 16)).toBeGreaterThan(8);
  expect(names).toHaveLength(1);
  expect(bytes).toBeLessThanOrEqual(2 * SEGMENT_BYTES);
});

const chosen: [number, number][] = only === undefined ? ranges : [[only[0]!, only[0]!]];
const seeds = only === undefined ? Array.from({ length: SEEDS }, (_, i) => i + 1) : [only[1]!];

test.each(chosen)(
  'a crash at operations %i to %i loses nothing',
  (from, to) => {
    for (let point = from; point <= to; point++) for (const seed of seeds) runNamed(crashAt, point, seed);
  },
  TIMEOUT_MS,
);

test.each(chosen)(
  'a crash at operations %i to %i, and another one while the log is opened, lose nothing',
  (from, to) => {
    for (let point = from; point <= to; point++) for (const seed of seeds) runNamed(crashInOpening, point, seed);
  },
  TIMEOUT_MS,
);

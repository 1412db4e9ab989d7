/**
 * A whole node whose disk crashes at any operation of a short history, by loss of power or by the death of the process:
 * it starts again with everything that it has acknowledged, once and in order, works on, and survives a second crash.
 * See support/every-point.ts.
 */

import assert from 'node:assert/strict';
import { randomBelow, SeededRandom, type Random } from '../../../../src/runtime/random.js';
import { SimulatedDisk } from '../../../../src/testing/simulated-disk.js';
import { testEveryPoint } from './support/every-point.js';
import { JournalWitness } from './support/journal-witness.js';
import { JournalHost } from './support/journal-host.js';
import { AFTERLIFE, HISTORY, live, SELF } from './support/single-node.js';

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

testEveryPoint({
  title: 'a crash loses nothing',
  what: 'operation',
  variable: 'NODE_CRASH',
  file: 'crash-every-point',
  stride: 8,
  pointsOf: ({ operations }) => operations,
  run: crashAt,
});

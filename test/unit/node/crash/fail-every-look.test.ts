/**
 * A whole node whose disk, at any one time of a short history, does not say what is there, and says so the next time:
 * a snapshot that could not be taken costs nothing else, and anything else ends the node with `ERR_STORAGE`; nothing is
 * taken for damaged or for missing, and the next start finds everything acknowledged. See support/every-point.ts.
 */

import assert from 'node:assert/strict';
import { randomBelow, SeededRandom } from '../../../../src/runtime/random.js';
import { SimulatedDisk } from '../../../../src/testing/simulated-disk.js';
import { liveUntilFailure, testEveryPoint } from './support/every-point.js';
import { JournalWitness } from './support/journal-witness.js';
import { JournalHost } from './support/journal-host.js';
import { AFTERLIFE, Life, live, SELF } from './support/single-node.js';

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

testEveryPoint({
  title: 'what the disk does not say is not lost',
  what: 'look',
  variable: 'NODE_LOOK',
  file: 'fail-every-look',
  stride: 16,
  pointsOf: ({ looks }) => looks,
  run: failAt,
});

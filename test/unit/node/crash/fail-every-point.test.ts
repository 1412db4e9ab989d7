/**
 * A whole node whose disk fails at any one operation of a short history, and works again after: a snapshot that could
 * not be taken costs nothing else, and anything else ends the node with `ERR_STORAGE`; the next start finds everything
 * acknowledged. See support/every-point.ts.
 */

import assert from 'node:assert/strict';
import { randomBelow, SeededRandom } from '../../../../src/runtime/random.js';
import { SimulatedDisk } from '../../../../src/testing/simulated-disk.js';
import { liveUntilFailure, testEveryPoint } from './support/every-point.js';
import { JournalWitness } from './support/journal-witness.js';
import { JournalHost } from './support/journal-host.js';
import { AFTERLIFE, Life, live, SELF } from './support/single-node.js';

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

testEveryPoint({
  title: 'a failure loses nothing',
  what: 'operation',
  variable: 'NODE_FAIL',
  file: 'fail-every-point',
  stride: 6,
  pointsOf: ({ operations }) => operations,
  run: failAt,
});

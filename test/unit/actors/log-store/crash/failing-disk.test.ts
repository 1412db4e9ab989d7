/**
 * A disk that fails at any write or sync point of a short history: the store says so with `ERR_STORAGE`, acknowledges
 * nothing from then on and refuses all that is asked of it, and the next start finds what was acknowledged.
 */

import assert from 'node:assert/strict';
import { expect, test } from 'vitest';
import { ConclaveError } from '../../../../../src/errors.js';
import { SimulatedDisk } from '../../../../../src/testing/simulated-disk.js';
import { GROUPS, HISTORY, HistoryRun } from './history.js';
import { Witness } from './witness.js';

/** Generous: a machine may be busy with other things. */
const TIMEOUT_MS = 60_000;
const ERRNOS = ['EIO', 'ENOSPC'] as const;

/** The error of the disk that `run` throws; null: none. */
function refusalOf(run: () => void): ConclaveError | null {
  try {
    run();
    return null;
  } catch (error) {
    assert(error instanceof ConclaveError && error.code === 'ERR_STORAGE', `not ERR_STORAGE but ${String(error)}`);
    return error;
  }
}

/** Runs the history to its end or to what the disk refuses, and ends the store as its runtime would. */
function runHistory(disk: SimulatedDisk, witness: Witness): ConclaveError | null {
  let run: HistoryRun | null = null;
  const refusal = refusalOf(() => {
    run = new HistoryRun(disk, witness);
    run.run(HISTORY);
    run.close();
  });
  if (refusal !== null) (run as HistoryRun | null)?.abandonFailed();
  assert.equal(disk.openFiles, 0, 'no file stays open');
  return refusal;
}

/** The store is opened on this disk, finds what it may, and what it has found is durable. */
function checkNextStart(disk: SimulatedDisk, witness: Witness, seed: number): void {
  new HistoryRun(disk, witness).close();
  new HistoryRun(disk.afterPowerLoss(seed), witness).close();
}

function operationsOfHistory(): number {
  const disk = new SimulatedDisk(1);
  expect(runHistory(disk, new Witness(GROUPS))).toBeNull();
  return disk.operations;
}

test(
  'a disk that fails at any operation: nothing is acknowledged any more, nothing acknowledged is lost',
  { timeout: TIMEOUT_MS },
  () => {
    for (let point = operationsOfHistory(); point > 0; point--) {
      const disk = new SimulatedDisk(point);
      const witness = new Witness(GROUPS);
      const errno = ERRNOS[point % ERRNOS.length]!;
      disk.failAt(point, errno);

      const refusal = runHistory(disk, witness);

      expect(refusal?.data['errno'], `at operation ${point}`).toBe(errno);
      // What a sync has failed to write is still to be seen by the next process of the same machine.
      checkNextStart(disk.afterProcessDeath(), witness, point);
    }
  },
);

test(
  'wherever the space ends, the log is as it was acknowledged, and goes on when there is space again',
  { timeout: TIMEOUT_MS },
  () => {
    for (let sectors = 1; ; sectors += 11) {
      const disk = new SimulatedDisk(sectors);
      const witness = new Witness(GROUPS);
      disk.limitSpace(sectors * 512);

      const refusal = runHistory(disk, witness);
      if (refusal === null) break;

      expect(refusal.data['errno']).toBe('ENOSPC');
      disk.limitSpace(Number.POSITIVE_INFINITY);
      checkNextStart(disk.afterProcessDeath(), witness, sectors);
    }
  },
);

test('a sector that cannot be read refuses the start', { timeout: TIMEOUT_MS }, () => {
  const disk = new SimulatedDisk(1);
  const witness = new Witness(GROUPS);
  runHistory(disk, witness);

  for (const [path, content] of disk.files()) {
    for (let offset = 0; offset < content.length; offset += 512) {
      const damaged = disk.afterProcessDeath();
      damaged.makeUnreadable(path, offset);
      const refusal = refusalOf(() => new HistoryRun(damaged, witness.clone()));
      expect(refusal?.data).toMatchObject({ errno: 'EIO', path });
      expect(damaged.openFiles).toBe(0);
    }
  }
});

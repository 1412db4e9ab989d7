/** A snapshot that comes in ranges, from whoever and in whatever order, becomes this node's own or leaves nothing. */

import { describe, expect, test } from 'vitest';
import { randomBelow, SeededRandom } from '../../../src/runtime/random.js';
import { MemorySnapshots } from '../../../src/storage/memory-snapshots.js';
import { SnapshotFolder } from '../../../src/storage/snapshot-folder.js';
import { RANGE_BYTES_MAX, SnapshotReceiver, type SnapshotOffer } from '../../../src/storage/snapshot-receiver.js';
import type { SnapshotStore } from '../../../src/storage/snapshot-store.js';
import { memorySource } from '../../../src/storage/byte-source.js';
import { SnapshotReader } from '../../../src/storage/snapshot-reader.js';
import { SimulatedDisk } from '../../../src/testing/simulated-disk.js';
import { areSame, codeOf, cutAt, lastIncluded, noise, readAt, snapshotBytes, text } from './snapshot-samples.js';

const SECTIONS = { a: noise(700_000), b: text(300_000) };
const WHOLE = snapshotBytes(SECTIONS, cutAt(10));
const OFFER: SnapshotOffer = {
  id: SnapshotReader.open(memorySource(WHOLE), null).id,
  bytes: WHOLE.length,
  lastIncluded: lastIncluded(10),
};

const noPause = (): undefined => undefined;

/** Gives a receiver what it asks for, one range after the other. */
function feed(receiver: SnapshotReceiver, bytes: Uint8Array): void {
  for (let range = receiver.missing(); range !== null; range = receiver.missing()) {
    receiver.write(range.offset, bytes.subarray(range.offset, range.offset + range.length));
  }
}

interface Made {
  readonly disk: SimulatedDisk;
  readonly store: SnapshotStore;
}

describe.each([
  {
    name: 'into a folder',
    make: (): Made => {
      const disk = new SimulatedDisk(1);
      return { disk, store: SnapshotFolder.open(disk, '/snapshots', () => {}) };
    },
  },
  { name: 'into memory', make: (): Made => ({ disk: new SimulatedDisk(1), store: new MemorySnapshots() }) },
])('$name', ({ make }) => {
  const expectNothingLeft = ({ disk, store }: Made): void => {
    expect(store.list()).toEqual([]);
    expect([...disk.files().keys()]).toEqual([]);
    expect(disk.openFiles).toBe(0);
  };

  test('a snapshot that is fed in order becomes one of the store', async () => {
    const { disk, store } = make();
    const receiver = new SnapshotReceiver(disk, store, OFFER);

    feed(receiver, WHOLE);
    const snapshot = await receiver.finish(noPause);

    expect(store.list()).toEqual([snapshot]);
    expect(snapshot).toMatchObject({ ...OFFER, stateBytes: 1_000_000 });
    expect(areSame(readAt(disk, snapshot.location), SECTIONS)).toBe(true);
    expect(disk.openFiles).toBe(0);
  });

  test('ranges of any length, given twice, overlapping or too early, lead to the same', async () => {
    const { disk, store } = make();
    const receiver = new SnapshotReceiver(disk, store, OFFER);
    const random = new SeededRandom(7);
    let steps = 0;

    while (!receiver.isComplete) {
      const before = receiver.received;
      const offset = Math.max(0, before - 100_000 + randomBelow(random, 150_000));
      receiver.write(offset, WHOLE.subarray(offset, offset + randomBelow(random, 200_000)));
      expect(receiver.received).toBeGreaterThanOrEqual(before);
      expect((steps += 1)).toBeLessThan(1000);
    }

    const snapshot = await receiver.finish(noPause);
    expect(areSame(readAt(disk, snapshot.location), SECTIONS)).toBe(true);
  });

  test('it resumes where it was when somebody else offers the same', async () => {
    const { disk, store } = make();
    const receiver = new SnapshotReceiver(disk, store, OFFER);
    receiver.write(0, WHOLE.subarray(0, 100_000));

    expect(receiver.matches({ ...OFFER })).toBe(true);
    expect(receiver.matches({ ...OFFER, id: 'f'.repeat(32) })).toBe(false);
    expect(receiver.missing()).toEqual({ offset: 100_000, length: RANGE_BYTES_MAX });

    feed(receiver, WHOLE);
    await receiver.finish(noPause);
    expect(store.list()).toHaveLength(1);
  });

  test('several ranges can be asked for at once', () => {
    const { disk, store } = make();
    const receiver = new SnapshotReceiver(disk, store, { ...OFFER, bytes: 2 * RANGE_BYTES_MAX + 5 });

    const first = receiver.missing();
    const second = receiver.missing(RANGE_BYTES_MAX);
    const third = receiver.missing(2 * RANGE_BYTES_MAX);

    expect([first, second, third, receiver.missing(2 * RANGE_BYTES_MAX + 5)]).toEqual([
      { offset: 0, length: RANGE_BYTES_MAX },
      { offset: RANGE_BYTES_MAX, length: RANGE_BYTES_MAX },
      { offset: 2 * RANGE_BYTES_MAX, length: 5 },
      null,
    ]);
  });

  test('wrong bytes are refused when all are there, and leave nothing', async () => {
    const made = make();
    for (const at of [5, 1000, WHOLE.length - 400, WHOLE.length - 10]) {
      const wrong = WHOLE.slice();
      wrong[at]! ^= 1;
      const receiver = new SnapshotReceiver(made.disk, made.store, OFFER);
      feed(receiver, wrong);

      await expect(receiver.finish(noPause), `byte ${at}`).rejects.toMatchObject({ code: 'ERR_STORAGE_CORRUPT' });
    }
    expectNothingLeft(made);
  });

  test.each([
    ['id', { ...OFFER, id: '0'.repeat(32) }],
    ['index', { ...OFFER, lastIncluded: lastIncluded(11) }],
    ['term', { ...OFFER, lastIncluded: lastIncluded(10, 3) }],
    ['time', { ...OFFER, lastIncluded: { ...lastIncluded(10), timestampMs: 1 } }],
  ])('a snapshot with another %s than announced is refused', async (_what, offer) => {
    const made = make();
    const receiver = new SnapshotReceiver(made.disk, made.store, offer);
    feed(receiver, WHOLE);

    await expect(receiver.finish(noPause)).rejects.toMatchObject({ code: 'ERR_STORAGE_CORRUPT' });
    expectNothingLeft(made);
  });

  test('bytes over the end are refused', () => {
    const { disk, store } = make();
    const receiver = new SnapshotReceiver(disk, store, OFFER);

    expect(codeOf(() => receiver.write(OFFER.bytes - 5, new Uint8Array(6)))).toBe('ERR_PROTOCOL');
    expect(receiver.received).toBe(0);
  });

  test('one that is abandoned leaves nothing, at whatever time', async () => {
    const made = make();
    const begun = new SnapshotReceiver(made.disk, made.store, OFFER);
    begun.write(0, WHOLE.subarray(0, 100_000));
    begun.abandon();
    begun.abandon();

    const verifying = new SnapshotReceiver(made.disk, made.store, OFFER);
    feed(verifying, WHOLE);
    const finished = verifying.finish(() => Promise.reject(new Error('stopped')));
    verifying.abandon();

    await expect(finished).rejects.toThrowError('stopped');
    expectNothingLeft(made);
  });
});

test('what was not received to its end is not a snapshot after a restart', () => {
  const disk = new SimulatedDisk(1);
  const receiver = new SnapshotReceiver(
    disk,
    SnapshotFolder.open(disk, '/snapshots', () => {}),
    OFFER,
  );
  receiver.write(0, WHOLE.subarray(0, WHOLE.length - 1));
  expect([...disk.files().keys()]).toHaveLength(1);

  const next = disk.afterProcessDeath();

  expect(SnapshotFolder.open(next, '/snapshots', () => {}).list()).toEqual([]);
  expect([...next.files().keys()]).toEqual([]);
});

test('a received snapshot survives a loss of power at once', async () => {
  const disk = new SimulatedDisk(1);
  const receiver = new SnapshotReceiver(
    disk,
    SnapshotFolder.open(disk, '/snapshots', () => {}),
    OFFER,
  );
  feed(receiver, WHOLE);
  const snapshot = await receiver.finish(noPause);

  const next = disk.afterPowerLoss(3);

  expect(SnapshotFolder.open(next, '/snapshots', () => {}).list()).toEqual([snapshot]);
  expect(areSame(readAt(next, snapshot.location), SECTIONS)).toBe(true);
});

describe('a disk that refuses', () => {
  const receive = async (disk: SimulatedDisk, store: SnapshotStore): Promise<unknown> => {
    const receiver = new SnapshotReceiver(disk, store, OFFER);
    feed(receiver, WHOLE);
    return receiver.finish(noPause);
  };

  test.each([
    ['to create the draft', 1],
    ['to write the first range', 2],
    ['to write the last range', 4],
    ['to sync what was written', 5],
    ['to rename the draft', 6],
    ['to sync the directory', 7],
  ])('%s is an error, and no snapshot comes of it', async (_what, operation) => {
    const disk = new SimulatedDisk(1);
    const store = SnapshotFolder.open(disk, '/snapshots', () => {});
    disk.failAt(disk.operations + operation, 'ENOSPC');

    await expect(receive(disk, store)).rejects.toMatchObject({ code: 'ERR_STORAGE' });
    expect(store.list()).toEqual([]);
  });
});

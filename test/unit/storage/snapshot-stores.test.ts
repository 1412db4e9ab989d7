/**
 * Every store of snapshots does what the port says: the folder on a real and on a simulated disk, and the one in
 * memory.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Disk } from '../../../src/storage/disk.js';
import { MemorySnapshots } from '../../../src/storage/memory-snapshots.js';
import { NodeDisk } from '../../../src/storage/node-disk.js';
import { openDraft } from '../../../src/storage/snapshot-draft.js';
import { SnapshotFolder } from '../../../src/storage/snapshot-folder.js';
import type { SnapshotInfo } from '../../../src/storage/snapshot-info.js';
import { SnapshotReader } from '../../../src/storage/snapshot-reader.js';
import type { SnapshotStore } from '../../../src/storage/snapshot-store.js';
import { SimulatedDisk } from '../../../src/testing/simulated-disk.js';
import { areSame, cutAt, noise, readAt, readSections, text, writeDraft } from './snapshot-samples.js';

interface Made {
  readonly disk: Disk;
  readonly store: SnapshotStore;
}

let parent: string;
beforeAll(() => void (parent = mkdtempSync(join(tmpdir(), 'conclave-snapshots-'))));
afterAll(() => rmSync(parent, { recursive: true }));

/** Longer than the memory that is taken at once. */
const NOISE = noise(1_300_000);

const onBad = (path: string): never => expect.unreachable(`${path} is bad`);

const STORES: { name: string; make: () => Made }[] = [
  {
    name: 'a folder on a real disk',
    make: () => {
      const disk = new NodeDisk();
      return { disk, store: SnapshotFolder.open(disk, mkdtempSync(join(parent, 'case-')), onBad) };
    },
  },
  {
    name: 'a folder on a simulated disk',
    make: () => {
      const disk = new SimulatedDisk(1);
      return { disk, store: SnapshotFolder.open(disk, '/snapshots', onBad) };
    },
  },
  { name: 'memory', make: () => ({ disk: new SimulatedDisk(1), store: new MemorySnapshots() }) },
];

const indexes = (store: SnapshotStore): number[] => store.list().map(({ lastIncluded }) => lastIncluded.index);

function publishAt({ disk, store }: Made, index: number, inTerm = 2): SnapshotInfo {
  return store.publish(writeDraft(disk, store.newDraft(), { a: text(500, index) }, cutAt(index, inTerm)));
}

describe.each(STORES)('$name', ({ make }) => {
  test('is empty at first', () => {
    expect(make().store.list()).toEqual([]);
  });

  test('has what was published, and gives out its bytes', () => {
    const made = make();
    const sections = { a: text(700_000), b: NOISE };

    const snapshot = made.store.publish(writeDraft(made.disk, made.store.newDraft(), sections, cutAt(10)));

    const source = made.store.open(snapshot);
    const reader = SnapshotReader.open(source, null);
    expect(areSame(readSections(reader), sections)).toBe(true);
    expect(made.store.list()).toEqual([reader.infoAt(snapshot.location)]);
    expect(source.size()).toBe(snapshot.bytes);
    reader.close();
  });

  test('lists the newest first, whatever the order they came in', () => {
    const made = make();
    for (const index of [9, 100, 20]) publishAt(made, index);

    expect(indexes(made.store)).toEqual([100, 20, 9]);
  });

  test('has a snapshot that is published again only once', () => {
    const made = make();
    publishAt(made, 10);
    const again = publishAt(made, 10);

    expect(made.store.list()).toEqual([again]);
  });

  test('tells snapshots at the same index apart by their term', () => {
    const made = make();
    publishAt(made, 10, 11);
    publishAt(made, 10, 9);

    expect(made.store.list().map(({ lastIncluded }) => lastIncluded.term)).toEqual([11, 9]);
  });

  test('keeps the newest, and of the others what is pinned until it is not', () => {
    const made = make();
    for (const index of [10, 20, 30, 40]) publishAt(made, index);

    made.store.keepNewest(2, ({ lastIncluded }) => lastIncluded.index === 10);
    expect(indexes(made.store)).toEqual([40, 30, 10]);

    made.store.keepNewest(2, () => false);
    expect(indexes(made.store)).toEqual([40, 30]);
  });

  test('a list that was given out does not change', () => {
    const made = make();
    publishAt(made, 10);
    const list = made.store.list();

    publishAt(made, 20);
    made.store.keepNewest(1, () => false);

    expect(list.map(({ lastIncluded }) => lastIncluded.index)).toEqual([10]);
  });

  test('a snapshot that was set aside is used no more, and does not count', () => {
    const set: string[] = [];
    const made = make();
    const quiet = made.store instanceof SnapshotFolder ? reopen(made, (path) => set.push(path)) : made;
    for (const index of [10, 20, 30]) publishAt(quiet, index);

    quiet.store.setAside(quiet.store.list()[0]!, new Error('damaged'));
    quiet.store.keepNewest(2, () => false);

    expect(indexes(quiet.store)).toEqual([20, 10]);
  });

  test('drafts do not meet, and a discarded one leaves nothing', () => {
    const { disk, store } = make();
    const places = [store.newDraft(), store.newDraft()];
    const [one, other] = places.map((place) => openDraft(disk, place, null));
    one!.write([text(10)], 0);
    other!.write([noise(10)], 0);

    one!.abandon();
    store.discard(places[0]!);
    store.discard(places[0]!);

    const location = other!.finish();
    if (location.kind === 'memory') expect(new Uint8Array(location.bytes)).toEqual(noise(10));
    else expect(disk.open(location.path, 'read').size()).toBe(10);
    expect(places.map((place) => place.kind === 'file' && disk.exists(place.path))).toEqual([
      false,
      location.kind === 'file',
    ]);
  });

  test('a draft is written where its bytes end, in pieces of any size', () => {
    const { disk, store } = make();
    const draft = openDraft(disk, store.newDraft(), null);
    const bytes = NOISE;

    draft.write([bytes.subarray(0, 200_000), bytes.subarray(200_000, 1_250_007)], 0);
    draft.write([bytes.subarray(1_250_007)], 1_250_007);

    expect(() => draft.write([bytes], 5)).toThrowError(/Invariant broken/);
    const location = draft.finish();
    const read = new Uint8Array(bytes.length);
    const source = location.kind === 'memory' ? null : disk.open(location.path, 'read');
    if (location.kind === 'memory') read.set(new Uint8Array(location.bytes));
    else source!.read(read, 0);
    source?.close();
    expect(Buffer.compare(read, bytes)).toBe(0);
  });
});

function reopen({ disk, store }: Made, told: (path: string) => void): Made {
  const place = store.newDraft();
  const directory = place.kind === 'file' ? join(place.path, '..') : '';
  return { disk, store: SnapshotFolder.open(disk, directory, told) };
}

test('a draft in memory is finished into as many bytes as it has', () => {
  const store = new MemorySnapshots();
  const snapshot = publishAt({ disk: new SimulatedDisk(1), store }, 10);

  expect(snapshot.location.kind === 'memory' && snapshot.location.bytes.byteLength).toBe(snapshot.bytes);
});

test('a snapshot in memory can be read on after it was removed', () => {
  const store = new MemorySnapshots();
  const disk = new SimulatedDisk(1);
  const snapshot = publishAt({ disk, store }, 10);

  store.keepNewest(0, () => false);

  expect(readAt(disk, snapshot.location)).toEqual({ a: text(500, 10) });
});

test('memory that there is not is an error of the compaction', () => {
  expect(() => openDraft(new SimulatedDisk(1), { kind: 'memory' }, 2 ** 52)).toThrowError(
    expect.objectContaining({ code: 'ERR_COMPACTION_FAILED' }),
  );
});

test('a long draft is synced as it goes', () => {
  const disk = new SimulatedDisk(1);
  const draft = openDraft(disk, { kind: 'file', path: '/draft' }, null);
  const half = new Uint8Array(512 * 1024);
  const before = disk.operations;

  for (let at = 0; at < 17; at += 1) draft.write([half], at * half.length);
  draft.finish();

  // Each MiB, and what is left at the end.
  expect(disk.operations - before).toBe(17 + 8 + 1);
});

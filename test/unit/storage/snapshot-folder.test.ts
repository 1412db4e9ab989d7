/**
 * A folder of snapshots through restarts, damage and crashes at every operation. `SNAPSHOT_SEED=n` begins the crashes
 * elsewhere, `SNAPSHOT_CRASHES=n` has each operation crash as often.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Disk } from '../../../src/storage/disk.js';
import { NodeDisk } from '../../../src/storage/node-disk.js';
import { openDraft } from '../../../src/storage/snapshot-draft.js';
import { SnapshotFolder } from '../../../src/storage/snapshot-folder.js';
import type { SnapshotInfo } from '../../../src/storage/snapshot-info.js';
import { SimulatedDisk } from '../../../src/testing/simulated-disk.js';
import { crc32 } from '../../../src/checksum.js';
import { areSame, codeOf, cutAt, readAt, text, writeDraft, type Sections } from './snapshot-samples.js';

const SEED = Number(process.env['SNAPSHOT_SEED'] ?? 1);
const CRASHES = Number(process.env['SNAPSHOT_CRASHES'] ?? 4);

let parent: string;
beforeAll(() => void (parent = mkdtempSync(join(tmpdir(), 'conclave-folder-'))));
afterAll(() => rmSync(parent, { recursive: true }));

interface Bad {
  readonly path: string;
  readonly code: string | undefined;
}

function openFolder(disk: Disk, directory: string, bad: Bad[] = []): SnapshotFolder {
  return SnapshotFolder.open(disk, directory, (path, error) =>
    bad.push({ path, code: (error as { code?: string }).code }),
  );
}

const sectionsAt = (index: number): Sections => ({ a: text(1000, index), b: new Uint8Array([index]) });
const indexes = (folder: SnapshotFolder): number[] => folder.list().map(({ lastIncluded }) => lastIncluded.index);

function publishAt(disk: Disk, folder: SnapshotFolder, index: number): SnapshotInfo {
  return folder.publish(writeDraft(disk, folder.newDraft(), sectionsAt(index), cutAt(index)));
}

function pathOf({ location }: SnapshotInfo): string {
  return location.kind === 'file' ? location.path : '';
}

function damage(disk: Disk, path: string, offset: number): void {
  const file = disk.open(path, 'write');
  const byte = new Uint8Array(1);
  file.read(byte, offset);
  file.write([byte.map((value) => value ^ 1)], offset);
  file.close();
}

describe.each([
  { name: 'a real disk', make: () => ({ disk: new NodeDisk(), directory: mkdtempSync(join(parent, 'case-')) }) },
  { name: 'a simulated disk', make: () => ({ disk: new SimulatedDisk(1), directory: '/data/snapshots' }) },
])('on $name', ({ make }) => {
  test('a folder that is opened again has what was published', () => {
    const { disk, directory } = make();
    const folder = openFolder(disk, directory);
    for (const index of [10, 30, 20]) publishAt(disk, folder, index);

    const again = openFolder(disk, directory);

    expect(again.list()).toEqual(folder.list());
    expect(again.list().map(({ location }) => readAt(disk, location))).toEqual([30, 20, 10].map(sectionsAt));
  });

  test('a snapshot is named after its index, term and id', () => {
    const { disk, directory } = make();
    const { id, location } = publishAt(disk, openFolder(disk, directory), 10);

    expect(location).toEqual({ kind: 'file', path: join(directory, `0000000000000010-2-${id}.snapshot`) });
  });

  test('drafts that were left are removed, and nothing else', () => {
    const { disk, directory } = make();
    const folder = openFolder(disk, directory);
    const place = folder.newDraft();
    writeDraft(disk, place, sectionsAt(10));
    disk.open(join(directory, 'note.txt'), 'create').close();

    openFolder(disk, directory);

    expect(disk.list(directory)).toEqual(['note.txt']);
  });

  test('a snapshot whose end is damaged is set aside under another name, and said so once', () => {
    const { disk, directory } = make();
    const folder = openFolder(disk, directory);
    publishAt(disk, folder, 10);
    const newest = publishAt(disk, folder, 20);
    damage(disk, pathOf(newest), newest.bytes - 50);
    const [told, toldAgain]: Bad[][] = [[], []];

    const again = openFolder(disk, directory, told);
    const third = openFolder(disk, directory, toldAgain);

    expect(indexes(again)).toEqual([10]);
    expect(indexes(third)).toEqual([10]);
    expect(told).toEqual([{ path: `${pathOf(newest)}.bad`, code: 'ERR_STORAGE_CORRUPT' }]);
    expect(toldAgain).toEqual([]);
    expect(disk.exists(pathOf(newest))).toBe(false);
  });

  test('a snapshot under the name of another is set aside', () => {
    const { disk, directory } = make();
    const { location, id } = publishAt(disk, openFolder(disk, directory), 10);
    const other = join(directory, `0000000000000011-2-${id}.snapshot`);
    disk.rename(pathOf({ location } as SnapshotInfo), other);
    const told: Bad[] = [];

    expect(indexes(openFolder(disk, directory, told))).toEqual([]);
    expect(told).toEqual([{ path: `${other}.bad`, code: 'ERR_STORAGE_CORRUPT' }]);
  });

  test('a bad snapshot is removed when newer ones have taken its place, and not before', () => {
    const { disk, directory } = make();
    const folder = openFolder(disk, directory);
    publishAt(disk, folder, 10);
    const bad = `${pathOf(publishAt(disk, folder, 20))}.bad`;
    folder.setAside(folder.list()[0]!, new Error('damaged'));
    publishAt(disk, folder, 30);

    const again = openFolder(disk, directory);
    again.keepNewest(2, () => false);
    expect([indexes(again), disk.exists(bad)]).toEqual([[30, 10], true]);

    publishAt(disk, again, 40);
    again.keepNewest(2, () => false);
    expect([indexes(again), disk.exists(bad)]).toEqual([[40, 30], false]);
  });

  test('a snapshot that somebody has removed is gone, damaged or not, and in nobody’s way', () => {
    const { disk, directory } = make();
    const folder = openFolder(disk, directory);
    for (const index of [10, 20, 30]) publishAt(disk, folder, index);
    const bad = folder.list().slice(1);
    for (const each of bad) folder.setAside(each, new Error('damaged'));
    for (const index of [40, 50]) publishAt(disk, folder, index);
    disk.remove(`${pathOf(bad[1]!)}.bad`);
    disk.remove(pathOf(folder.list()[2]!));

    folder.keepNewest(2, () => false);

    expect(indexes(folder)).toEqual([50, 40]);
    expect(disk.list(directory)).toHaveLength(2);
  });

  test('a snapshot of a newer version is left alone, and the folder is not opened', () => {
    const { disk, directory } = make();
    const newest = publishAt(disk, openFolder(disk, directory), 10);
    const file = disk.open(pathOf(newest), 'write');
    const header = Buffer.alloc(16);
    file.read(header, 0);
    header.writeUInt32LE(2, 8);
    header.writeUInt32LE(crc32(header.subarray(0, 12)), 12);
    file.write([header], 0);
    file.close();

    expect(codeOf(() => openFolder(disk, directory))).toBe('ERR_DATA_DIR_MISMATCH');
    expect(disk.exists(pathOf(newest))).toBe(true);
  });
});

test('a snapshot that cannot be removed is not in the way of others, and tried again', () => {
  const disk = new SimulatedDisk(1);
  const folder = openFolder(disk, '/data/snapshots');
  for (const index of [10, 20, 30, 40]) publishAt(disk, folder, index);
  disk.failAt(disk.operations + 1, 'EIO');

  expect(codeOf(() => folder.keepNewest(2, () => false))).toBe('ERR_STORAGE');
  expect(indexes(folder)).toEqual([40, 30, 20]);
  folder.keepNewest(2, () => false);

  expect(indexes(folder)).toEqual([40, 30]);
  expect(disk.list('/data/snapshots')).toHaveLength(2);
});

describe('a snapshot that the disk refuses to read', () => {
  function unreadable(): { disk: SimulatedDisk; path: string; header: Uint8Array } {
    const disk = new SimulatedDisk(1);
    const folder = openFolder(disk, '/data/snapshots');
    publishAt(disk, folder, 10);
    const path = pathOf(publishAt(disk, folder, 20));
    const header = disk.files().get(path)!.subarray(0, 512);
    disk.makeUnreadable(path, 0);
    return { disk, path, header };
  }

  test('is passed over, and keeps its name', () => {
    const { disk, path } = unreadable();
    const told: Bad[] = [];

    expect(indexes(openFolder(disk, '/data/snapshots', told))).toEqual([10]);
    expect(told).toEqual([{ path, code: 'ERR_STORAGE' }]);
    expect(disk.exists(path)).toBe(true);
    expect(disk.openFiles).toBe(0);
  });

  test('is there again when it can be read', () => {
    const { disk, path, header } = unreadable();
    openFolder(disk, '/data/snapshots');
    const file = disk.open(path, 'write');
    file.write([header], 0);
    file.close();

    expect(indexes(openFolder(disk, '/data/snapshots'))).toEqual([20, 10]);
  });

  test('is removed when newer ones have taken its place, and not before', () => {
    const { disk, path } = unreadable();
    const folder = openFolder(disk, '/data/snapshots');

    publishAt(disk, folder, 30);
    folder.keepNewest(2, () => false);
    expect([indexes(folder), disk.exists(path)]).toEqual([[30, 10], true]);

    publishAt(disk, folder, 40);
    folder.keepNewest(2, () => false);
    expect([indexes(folder), disk.exists(path)]).toEqual([[40, 30], false]);
  });

  test('is replaced by the same one, taken again', () => {
    const { disk, path } = unreadable();
    const folder = openFolder(disk, '/data/snapshots');

    publishAt(disk, folder, 20);
    for (const index of [30, 40]) publishAt(disk, folder, index);
    folder.keepNewest(3, () => false);

    expect(indexes(folder)).toEqual([40, 30, 20]);
    expect(disk.exists(path)).toBe(true);
  });
});

describe('after a crash', () => {
  /** What has certainly been made durable, and what may be there or not. */
  interface Promised {
    readonly kept: Set<number>;
    readonly maybe: Set<number>;
  }

  /** A short life: snapshots come and go, one is found damaged, one is never finished. */
  function live(disk: Disk, { kept, maybe }: Promised): void {
    const folder = openFolder(disk, '/data/snapshots');
    const add = (index: number): void => {
      maybe.add(index);
      publishAt(disk, folder, index);
      kept.add(index);
    };
    const drop = (...dropped: number[]): void => dropped.forEach((index) => kept.delete(index));
    add(10);
    add(20);
    add(30);
    drop(10);
    folder.keepNewest(2, () => false);
    maybe.delete(10);
    drop(30);
    folder.setAside(folder.list()[0]!, new Error('damaged'));
    maybe.delete(30);
    add(40);
    add(50);
    drop(20);
    folder.keepNewest(2, () => false);
    maybe.delete(20);
    const unfinished = folder.newDraft();
    openDraft(disk, unfinished, null).write([text(5000)], 0);
    add(60);
    folder.discard(unfinished);
  }

  const whole = new SimulatedDisk(SEED);
  live(whole, { kept: new Set(), maybe: new Set() });
  const operations = Array.from({ length: whole.operations }, (_none, at) => at + 1);

  function crash(operation: number, seed: number): void {
    const disk = new SimulatedDisk(seed);
    const promised: Promised = { kept: new Set(), maybe: new Set() };
    disk.crashAt(operation);
    expect(() => live(disk, promised)).toThrowError(/simulated machine has crashed/);
    for (const next of [disk.afterPowerLoss(seed), disk.afterProcessDeath()]) expectToGoOn(next, promised);
  }

  function expectToGoOn(disk: SimulatedDisk, { kept, maybe }: Promised): void {
    const bad: Bad[] = [];
    const folder = openFolder(disk, '/data/snapshots', bad);
    const found = indexes(folder);

    expect(bad).toEqual([]);
    expect(found).toEqual(expect.arrayContaining([...kept]));
    expect([...maybe]).toEqual(expect.arrayContaining(found));
    for (const { lastIncluded, location } of folder.list()) {
      expect(areSame(readAt(disk, location), sectionsAt(lastIncluded.index))).toBe(true);
    }
    expect(disk.list('/data/snapshots').filter((name) => name.endsWith('.draft'))).toEqual([]);
    // The log may be dropped on the strength of what was found.
    expect(indexes(openFolder(disk.afterPowerLoss(SEED), '/data/snapshots'))).toEqual(found);

    publishAt(disk, folder, 70);
    folder.keepNewest(2, () => false);
    expect(indexes(folder)[0]).toBe(70);
    expect(disk.openFiles).toBe(0);
  }

  test.each(operations)('at operation %i every promise is kept, and the folder goes on', (operation) => {
    for (let seed = SEED; seed < SEED + CRASHES; seed += 1) {
      try {
        crash(operation, seed);
      } catch (cause) {
        const replay = `SNAPSHOT_SEED=${seed} SNAPSHOT_CRASHES=1 npx vitest run snapshot-folder`;
        throw new Error(`Seed ${seed}: ${String(cause)}\nReplay it with ${replay}`, { cause });
      }
    }
  });

  test.each(operations)('a failure of operation %i is an error, and what was promised is still there', (operation) => {
    const disk = new SimulatedDisk(SEED);
    const promised: Promised = { kept: new Set(), maybe: new Set() };
    disk.failAt(operation, 'EIO');

    expect(codeOf(() => live(disk, promised))).toBe('ERR_STORAGE');

    const folder = openFolder(disk.afterPowerLoss(SEED), '/data/snapshots');
    for (const index of promised.kept) expect(indexes(folder)).toContain(index);
  });
});

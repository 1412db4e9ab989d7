/** The simulated disk keeps what it must, loses what it may, and does the same for the same seed. */

import { expect, test } from 'vitest';
import { ConclaveError } from '../../../src/errors.js';
import { SimulatedCrash } from '../../../src/testing/simulated-disk-crash.js';
import { SimulatedDisk } from '../../../src/testing/simulated-disk.js';

const SECTOR_BYTES = 512;
const SEEDS = Array.from({ length: 200 }, (_, seed) => seed);

function filled(length: number, value: number): Uint8Array {
  return new Uint8Array(length).fill(value);
}

/** A disk with `/d/file`, whose name and content are durable. */
function diskWithFile(content: Uint8Array, seed = 1): SimulatedDisk {
  const disk = new SimulatedDisk(seed);
  disk.makeDirectory('/d');
  const file = disk.open('/d/file', 'create');
  file.write([content], 0);
  file.sync();
  file.close();
  disk.syncDirectory('/d');
  return disk;
}

function errnoOf(run: () => void): unknown {
  try {
    run();
  } catch (error) {
    if (error instanceof ConclaveError && error.code === 'ERR_STORAGE') return error.data['errno'];
    throw error;
  }
  return null;
}

/** The files after each of many losses of power, as text, without doubles. */
function fatesOf(disk: SimulatedDisk, describeFate: (files: ReadonlyMap<string, Uint8Array>) => string): string[] {
  return [...new Set(SEEDS.map((seed) => describeFate(disk.afterPowerLoss(seed).files())))].toSorted();
}

const names = (files: ReadonlyMap<string, Uint8Array>): string => [...files.keys()].join(' ');

const whole = (files: ReadonlyMap<string, Uint8Array>): string =>
  [...files].map(([path, content]) => `${path}=${Buffer.from(content).toString('hex')}`).join(' ');

/** The first byte of each sector. */
const sectors = (files: ReadonlyMap<string, Uint8Array>): string =>
  [...files.get('/d/file')!].filter((_, offset) => offset % SECTOR_BYTES === 0).join('');

test('what was synced survives every loss of power', () => {
  const disk = diskWithFile(filled(2000, 1));

  expect(fatesOf(disk, whole)).toEqual([whole(disk.files())]);
});

test('what was not synced is lost by sectors, in any order', () => {
  const disk = diskWithFile(filled(3 * SECTOR_BYTES, 1));
  disk.open('/d/file', 'write').write([filled(3 * SECTOR_BYTES, 2)], 0);

  expect(fatesOf(disk, sectors)).toEqual(['111', '112', '121', '122', '211', '212', '221', '222']);
});

test('a sector that was written twice may be lost, or be either', () => {
  const disk = diskWithFile(filled(SECTOR_BYTES, 1));
  const file = disk.open('/d/file', 'write');
  file.write([filled(SECTOR_BYTES, 2)], 0);
  file.write([filled(SECTOR_BYTES, 3)], 0);

  expect(fatesOf(disk, sectors)).toEqual(['1', '2', '3']);
});

test('the length of a file is lost apart from its content, which is zeros then', () => {
  const disk = diskWithFile(filled(SECTOR_BYTES, 1));
  disk.open('/d/file', 'write').write([filled(SECTOR_BYTES, 2)], SECTOR_BYTES);

  expect(fatesOf(disk, sectors)).toEqual(['1', '10', '12']);
});

test('cutting a file may be lost', () => {
  const disk = diskWithFile(filled(2 * SECTOR_BYTES, 1));
  disk.open('/d/file', 'write').truncate(100);

  const fates = fatesOf(disk, (files) => {
    const content = files.get('/d/file')!;
    return `${content.length}:${content.filter((value) => value === 1).length}`;
  });

  expect(fates).toEqual(['100:100', '1024:100', '1024:1024', '1024:512', '1024:612']);
});

test('a file whose name was not synced may be gone, however well its content was', () => {
  const disk = diskWithFile(filled(1, 1));
  const file = disk.open('/d/other', 'create');
  file.write([filled(1, 2)], 0);
  file.sync();

  expect(fatesOf(disk, names)).toEqual(['/d/file', '/d/file /d/other']);

  disk.syncDirectory('/d');
  expect(fatesOf(disk, names)).toEqual(['/d/file /d/other']);
});

test('a file that was removed may come back until the directory is synced', () => {
  const disk = diskWithFile(filled(1, 1));
  disk.remove('/d/file');

  expect(fatesOf(disk, names)).toEqual(['', '/d/file']);

  disk.syncDirectory('/d');
  expect(fatesOf(disk, names)).toEqual(['']);
});

test('renaming is atomic: one of the two names, with one of the two contents', () => {
  const disk = diskWithFile(filled(1, 1));
  const file = disk.open('/d/new', 'create');
  file.write([filled(1, 2)], 0);
  file.sync();
  disk.syncDirectory('/d');
  disk.rename('/d/new', '/d/file');

  expect(fatesOf(disk, whole)).toEqual(['/d/file=01 /d/new=02', '/d/file=02']);
});

test('renaming between two directories is durable when both are synced', () => {
  const disk = diskWithFile(filled(1, 1));
  disk.makeDirectory('/e');
  disk.rename('/d/file', '/e/file');
  disk.syncDirectory('/e');

  expect(fatesOf(disk, names)).toEqual(['/d/file', '/e/file']);

  disk.syncDirectory('/d');
  expect(fatesOf(disk, names)).toEqual(['/e/file']);
});

test('a file that was renamed twice has one name', () => {
  const disk = diskWithFile(filled(1, 1));
  disk.rename('/d/file', '/d/b');
  disk.rename('/d/b', '/d/c');

  expect(fatesOf(disk, names)).toEqual(['/d/b', '/d/c', '/d/file']);
});

test('the death of a process loses nothing, but what was not synced can still be lost with the power', () => {
  const disk = diskWithFile(filled(SECTOR_BYTES, 1));
  disk.open('/d/file', 'write').write([filled(SECTOR_BYTES, 2)], 0);
  disk.open('/d/new', 'create');

  const next = disk.afterProcessDeath();

  expect(next.files()).toEqual(disk.files());
  expect(fatesOf(next, (files) => `${sectors(files)} ${files.has('/d/new')}`)).toEqual([
    '1 false',
    '1 true',
    '2 false',
    '2 true',
  ]);
});

test('a disk after a crash is a disk of its own', () => {
  const disk = diskWithFile(filled(1, 1));
  const next = disk.afterProcessDeath();

  next.open('/d/file', 'write').write([filled(1, 2)], 0);
  next.remove('/d/file');

  expect([...disk.files().get('/d/file')!]).toEqual([1]);
});

test('a crash happens at the operation asked for, and every later one throws the same', () => {
  const disk = diskWithFile(filled(1, 1));
  const file = disk.open('/d/file', 'write');
  const before = disk.operations;
  disk.crashAt(before + 2);

  file.write([filled(1, 2)], 0);
  expect(() => file.sync()).toThrow(SimulatedCrash);

  expect(disk.crash?.message).toContain('sync /d/file');
  expect(disk.operations).toBe(before + 2);
  for (const run of [() => file.read(filled(1, 0), 0), () => disk.exists('/d'), () => disk.remove('/d/file')]) {
    expect(run).toThrow(disk.crash!);
  }
  file.close();
  expect(disk.openFiles).toBe(0);
});

test('a crash may wait for an operation of its kind on its path', () => {
  const disk = diskWithFile(filled(1, 1));
  disk.makeDirectory('/e');
  disk.crashAtNext('syncDirectory', '/d');
  disk.rename('/d/file', '/d/other');
  disk.syncDirectory('/e');

  expect(() => disk.syncDirectory('/d')).toThrow(SimulatedCrash);

  expect(disk.crash!.isAtKind).toBe(true);
  expect(disk.afterProcessDeath().exists('/d/other')).toBe(true);
});

test('a crash that waits for an operation is forgotten when the disk is healed', () => {
  const disk = diskWithFile(filled(1, 1));
  disk.crashAtNext('syncDirectory', '/d');

  disk.heal();

  disk.syncDirectory('/d');
  expect(disk.crash).toBeNull();
});

test('what the crash interrupts happens not at all, partly or wholly', () => {
  const written = SEEDS.map((seed) => {
    const disk = diskWithFile(new Uint8Array(0), seed);
    const file = disk.open('/d/file', 'write');
    disk.crashAt(disk.operations + 1);
    expect(() => file.write([filled(4, 1)], 0)).toThrow(SimulatedCrash);
    return `${disk.files().get('/d/file')!.length}`;
  });

  expect([...new Set(written)].toSorted()).toEqual(['0', '1', '2', '3', '4']);
});

test('an operation that fails reports the code asked for, and the next one succeeds', () => {
  const disk = diskWithFile(filled(1, 1));
  disk.failAt(disk.operations + 1, 'EIO');

  expect(errnoOf(() => disk.rename('/d/file', '/d/b'))).toBe('EIO');
  expect(disk.exists('/d/file')).toBe(true);

  disk.rename('/d/file', '/d/b');
  expect(disk.exists('/d/b')).toBe(true);
});

test('what a sync has failed to write is visible, and lost with the power although later syncs succeed', () => {
  const fates = SEEDS.map((seed) => {
    const disk = diskWithFile(filled(SECTOR_BYTES, 1), seed);
    const file = disk.open('/d/file', 'write');
    file.write([filled(SECTOR_BYTES, 2)], 0);
    disk.failAt(disk.operations + 1, 'EIO');
    expect(errnoOf(() => file.sync())).toBe('EIO');
    file.sync();
    expect(sectors(disk.files())).toBe('2');
    return sectors(disk.afterPowerLoss(seed).files());
  });

  expect([...new Set(fates)].toSorted()).toEqual(['1', '2']);
});

test('without space a write is done partly and refused; what was allocated can be written', () => {
  const disk = diskWithFile(filled(SECTOR_BYTES, 1));
  disk.limitSpace(2 * SECTOR_BYTES);
  const file = disk.open('/d/file', 'write');

  expect(errnoOf(() => file.write([filled(3 * SECTOR_BYTES, 2)], 0))).toBe('ENOSPC');

  expect(sectors(disk.files())).toBe('22');
  file.write([filled(2 * SECTOR_BYTES, 3)], 0);
  const other = disk.open('/d/other', 'create');
  expect(errnoOf(() => other.write([filled(1, 1)], 0))).toBe('ENOSPC');
  disk.remove('/d/file');
  other.write([filled(1, 1)], 0);
});

test('a file that was closed is refused, a second close included', () => {
  const disk = diskWithFile(filled(1, 1));
  const file = disk.open('/d/file', 'write');
  file.close();

  for (const run of [() => file.close(), () => file.sync(), () => file.size(), () => file.read(filled(1, 0), 0)]) {
    expect(errnoOf(run)).toBe('EBADF');
  }
  expect(disk.openFiles).toBe(0);
});

test('damage: a flipped bit, a cut file, a sector that cannot be read', () => {
  const disk = diskWithFile(filled(2 * SECTOR_BYTES, 1));

  disk.flipBit('/d/file', 3, 2);
  disk.makeUnreadable('/d/file', SECTOR_BYTES);

  const file = disk.open('/d/file', 'write');
  const into = new Uint8Array(4);
  file.read(into, 0);
  expect([...into]).toEqual([1, 1, 1, 5]);
  expect(errnoOf(() => file.read(into, SECTOR_BYTES - 1))).toBe('EIO');
  file.write([filled(SECTOR_BYTES, 7)], SECTOR_BYTES);
  expect(file.read(into, SECTOR_BYTES)).toBe(4);
  disk.truncateFile('/d/file', 2);
  expect(fatesOf(disk, whole)).toEqual(['/d/file=0101']);
});

test('one seed replays one history', () => {
  const run = (): string[] => {
    const disk = diskWithFile(filled(100, 1), 7);
    const file = disk.open('/d/file', 'write');
    disk.crashAt(disk.operations + 3);
    file.write([filled(5000, 2)], 50);
    disk.open('/d/other', 'create');
    expect(() => file.write([filled(5000, 3)], 50)).toThrow(SimulatedCrash);
    return [disk.afterProcessDeath(), ...SEEDS.map((seed) => disk.afterPowerLoss(seed))].map((next) =>
      whole(next.files()),
    );
  };

  expect(run()).toEqual(run());
});

test('a look that fails says nothing of what is there, and the next one succeeds', () => {
  const disk = new SimulatedDisk(1);
  disk.makeDirectory('/d');
  disk.open('/d/file', 'create').close();
  const looks = [
    () => disk.list('/d'),
    () => disk.exists('/d/file'),
    () => disk.open('/d/file', 'read').close(),
    () => disk.open('/d/file', 'write').close(),
  ];

  for (const look of looks) {
    disk.failLookAt(disk.looks + 1, 'EIO');
    expect(look).toThrow(expect.objectContaining({ code: 'ERR_STORAGE' }));
    expect(look).not.toThrow();
  }
  expect(disk.openFiles).toBe(0);
});

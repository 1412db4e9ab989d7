/**
 * What every implementation of the port `Disk` must do, as tests to run on each of them. What becomes of unsynced data
 * after a loss of power can only be tested on the simulated one, and is not here.
 */

import { expect } from 'vitest';
import { ConclaveError } from '../../../src/errors.js';
import type { Disk } from '../../../src/storage/disk.js';

export interface DiskCase {
  readonly name: string;
  /** `root` is an empty directory. */
  readonly run: (disk: Disk, root: string) => void;
}

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

function contentOf(disk: Disk, path: string): number[] {
  const file = disk.open(path, 'read');
  try {
    const into = new Uint8Array(file.size());
    expect(file.read(into, 0)).toBe(into.length);
    return [...into];
  } finally {
    file.close();
  }
}

function write(disk: Disk, path: string, content: Uint8Array): void {
  const file = disk.open(path, 'create');
  file.write([content], 0);
  file.sync();
  file.close();
}

/** Expects that the disk refuses, and says in `data` what and why. */
function expectRefusal(run: () => unknown, path: string, errno: string): void {
  let thrown: unknown;
  try {
    run();
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(ConclaveError);
  const { code, data, message } = thrown as ConclaveError;
  expect(code).toBe('ERR_STORAGE');
  expect(data).toMatchObject({ path, errno });
  expect(data['operation']).toBeTypeOf('string');
  expect(message).toContain(path);
}

export const DISK_CASES: readonly DiskCase[] = [
  {
    name: 'a directory is made with what is missing above it, and making it again does nothing',
    run: (disk, root) => {
      disk.makeDirectory(`${root}/a/b/c`);
      write(disk, `${root}/a/b/c/file`, bytes(1));
      disk.makeDirectory(`${root}/a/b/c`);

      expect(disk.exists(`${root}/a/b`)).toBe(true);
      expect(contentOf(disk, `${root}/a/b/c/file`)).toEqual([1]);
    },
  },
  {
    name: 'a directory is listed in order: its files and directories, and nothing below them',
    run: (disk, root) => {
      disk.makeDirectory(`${root}/d/below`);
      for (const name of ['b', 'a10', 'a2', 'B']) write(disk, `${root}/${name}`, bytes());
      write(disk, `${root}/d/inside`, bytes());

      expect(disk.list(root)).toEqual(['B', 'a10', 'a2', 'b', 'd']);
      expect(disk.list(`${root}/d`)).toEqual(['below', 'inside']);
      expect(disk.list(`${root}/d/below`)).toEqual([]);
    },
  },
  {
    name: 'what does not exist is neither listed, opened, renamed, removed nor synced',
    run: (disk, root) => {
      const path = `${root}/none`;

      expect(disk.exists(path)).toBe(false);
      expectRefusal(() => disk.list(path), path, 'ENOENT');
      expectRefusal(() => disk.open(path, 'read'), path, 'ENOENT');
      expectRefusal(() => disk.open(path, 'write'), path, 'ENOENT');
      expectRefusal(() => disk.open(`${path}/file`, 'create'), `${path}/file`, 'ENOENT');
      expectRefusal(() => disk.rename(path, `${root}/other`), path, 'ENOENT');
      expectRefusal(() => disk.remove(path), path, 'ENOENT');
      expectRefusal(() => disk.syncDirectory(path), path, 'ENOENT');
    },
  },
  {
    name: 'creating a file that exists is refused, and leaves it as it is',
    run: (disk, root) => {
      write(disk, `${root}/file`, bytes(1, 2));

      expectRefusal(() => disk.open(`${root}/file`, 'create'), `${root}/file`, 'EEXIST');

      expect(contentOf(disk, `${root}/file`)).toEqual([1, 2]);
    },
  },
  {
    name: 'buffers are written one behind the other, anywhere in the file',
    run: (disk, root) => {
      const file = disk.open(`${root}/file`, 'create');
      file.write([bytes(1, 2), bytes(), bytes(3)], 0);
      file.write([bytes(4), bytes(5, 6)], 2);
      file.write([], 9);
      file.close();

      expect(contentOf(disk, `${root}/file`)).toEqual([1, 2, 4, 5, 6]);
    },
  },
  {
    name: 'many and large buffers are written whole',
    run: (disk, root) => {
      const pieces = Array.from({ length: 2500 }, (_, i) => new Uint8Array(i % 97).fill(i % 251));
      const large = new Uint8Array(1 << 20).fill(7);
      const file = disk.open(`${root}/file`, 'create');

      file.write([...pieces, large], 3);

      const expected = Buffer.concat([bytes(0, 0, 0), ...pieces, large]);
      const found = new Uint8Array(file.size());
      file.read(found, 0);
      file.close();
      expect(expected.equals(found)).toBe(true);
    },
  },
  {
    name: 'what was written is neither the buffer itself nor changed with it',
    run: (disk, root) => {
      const buffer = bytes(1, 2, 3);
      const file = disk.open(`${root}/file`, 'create');

      file.write([buffer.subarray(1)], 0);
      buffer.fill(9);
      file.close();

      expect(contentOf(disk, `${root}/file`)).toEqual([2, 3]);
    },
  },
  {
    name: 'writing behind the end fills the gap with zeros',
    run: (disk, root) => {
      const file = disk.open(`${root}/file`, 'create');
      file.write([bytes(1)], 0);
      file.write([bytes(2)], 3);
      file.close();

      expect(contentOf(disk, `${root}/file`)).toEqual([1, 0, 0, 2]);
    },
  },
  {
    name: 'a read gives what there is from its position on, and nothing at the end',
    run: (disk, root) => {
      write(disk, `${root}/file`, bytes(1, 2, 3, 4, 5));
      const file = disk.open(`${root}/file`, 'read');
      const into = new Uint8Array(3);

      expect(file.size()).toBe(5);
      expect([file.read(into, 1), [...into]]).toEqual([3, [2, 3, 4]]);
      expect([file.read(into, 3), [...into]]).toEqual([2, [4, 5, 4]]);
      expect(file.read(into, 5)).toBe(0);
      expect(file.read(into, 6)).toBe(0);
      expect(file.read(new Uint8Array(0), 0)).toBe(0);
      file.close();
    },
  },
  {
    name: 'reads, writes and sizes far into a file are exact',
    run: (disk, root) => {
      const far = 6 * 2 ** 30 + 5;
      const file = disk.open(`${root}/file`, 'create');

      file.write([bytes(1, 2)], far);

      const into = new Uint8Array(4);
      expect(file.size()).toBe(far + 2);
      expect([file.read(into, far - 2), [...into]]).toEqual([4, [0, 0, 1, 2]]);
      file.close();
    },
  },
  {
    name: 'truncating cuts off for ever, or fills with zeros',
    run: (disk, root) => {
      const file = disk.open(`${root}/file`, 'create');
      file.write([bytes(1, 2, 3, 4)], 0);

      file.truncate(2);
      expect(file.size()).toBe(2);
      file.truncate(5);
      file.close();

      expect(contentOf(disk, `${root}/file`)).toEqual([1, 2, 0, 0, 0]);
    },
  },
  {
    name: 'a file that is open for writing is read as well, and keeps what it had',
    run: (disk, root) => {
      write(disk, `${root}/file`, bytes(1, 2, 3));
      const file = disk.open(`${root}/file`, 'write');
      file.write([bytes(9)], 1);

      const into = new Uint8Array(3);
      expect([file.read(into, 0), [...into]]).toEqual([3, [1, 9, 3]]);
      expect(file.path).toBe(`${root}/file`);
      file.close();
    },
  },
  {
    name: 'a file that is open for reading sees what another writes, and does not write itself',
    run: (disk, root) => {
      const writer = disk.open(`${root}/file`, 'create');
      const reader = disk.open(`${root}/file`, 'read');
      writer.write([bytes(1, 2)], 0);

      const into = new Uint8Array(2);
      expect([reader.read(into, 0), [...into]]).toEqual([2, [1, 2]]);
      expectRefusal(() => reader.write([bytes(3)], 0), `${root}/file`, 'EBADF');
      writer.close();
      reader.close();
      expect(contentOf(disk, `${root}/file`)).toEqual([1, 2]);
    },
  },
  {
    name: 'renaming takes the place of a file of that name',
    run: (disk, root) => {
      disk.makeDirectory(`${root}/d`);
      write(disk, `${root}/new`, bytes(1));
      write(disk, `${root}/d/old`, bytes(2));

      disk.rename(`${root}/new`, `${root}/d/old`);
      disk.syncDirectory(root);
      disk.syncDirectory(`${root}/d`);

      expect(disk.list(root)).toEqual(['d']);
      expect(contentOf(disk, `${root}/d/old`)).toEqual([1]);
    },
  },
  {
    name: 'a file that is renamed or removed stays usable for those who have it open',
    run: (disk, root) => {
      const file = disk.open(`${root}/a`, 'create');
      disk.rename(`${root}/a`, `${root}/b`);
      file.write([bytes(1)], 0);
      expect(contentOf(disk, `${root}/b`)).toEqual([1]);

      disk.remove(`${root}/b`);
      file.write([bytes(2)], 1);
      file.sync();

      const into = new Uint8Array(2);
      expect([file.read(into, 0), [...into]]).toEqual([2, [1, 2]]);
      file.close();
      expect(disk.exists(`${root}/b`)).toBe(false);
    },
  },
  {
    name: 'a name that was removed can be given anew',
    run: (disk, root) => {
      write(disk, `${root}/file`, bytes(1, 2));
      disk.remove(`${root}/file`);
      write(disk, `${root}/file`, bytes(3));

      expect(contentOf(disk, `${root}/file`)).toEqual([3]);
    },
  },
  {
    name: 'directories are not opened as files',
    run: (disk, root) => {
      disk.makeDirectory(`${root}/d`);

      expectRefusal(() => disk.open(`${root}/d`, 'create'), `${root}/d`, 'EEXIST');
      expectRefusal(() => disk.open(`${root}/d`, 'write'), `${root}/d`, 'EISDIR');
    },
  },
];

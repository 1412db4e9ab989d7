/** What is particular to the real disk; what all disks do is in disk-conformance.ts. */

import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { NodeDisk } from '../../../src/storage/node-disk.js';

let root: string;
beforeAll(() => void (root = mkdtempSync(join(tmpdir(), 'conclave-node-disk-'))));
afterAll(() => rmSync(root, { recursive: true }));

test('a full disk is an error that says so, with the operation and the path', () => {
  const file = new NodeDisk().open('/dev/full', 'write');

  try {
    expect(() => file.write([Uint8Array.of(1)], 0)).toThrow(
      expect.objectContaining({
        code: 'ERR_STORAGE',
        data: { operation: 'write', path: '/dev/full', errno: 'ENOSPC' },
      }),
    );
  } finally {
    file.close();
  }
});

test('a directory where the system allows none is an error, and not waited for', () => {
  expect(() => new NodeDisk().makeDirectory('/proc/none/below')).toThrow(
    expect.objectContaining({ code: 'ERR_STORAGE', data: expect.objectContaining({ operation: 'mkdir' }) }),
  );
});

test('a file where a directory is wanted is an error that says so', () => {
  const path = join(root, 'occupied');
  new NodeDisk().open(path, 'create').close();

  expect(() => new NodeDisk().makeDirectory(path)).toThrow(
    expect.objectContaining({ data: { operation: 'mkdir', path, errno: 'ENOTDIR' } }),
  );
});

test('a directory that is there already is made durable, for who made it may have died before it had', () => {
  const disk = new NodeDisk();
  mkdirSync(join(root, 'left'));
  const synced = vi.spyOn(disk, 'syncDirectory');

  disk.makeDirectory(join(root, 'left'));

  expect(synced.mock.calls).toEqual([[root]]);
});

test('what the system does not say is not taken for something that is not there', () => {
  const path = join(root, 'round');
  symlinkSync(path, path);

  expect(() => new NodeDisk().exists(path)).toThrow(
    expect.objectContaining({ code: 'ERR_STORAGE', data: expect.objectContaining({ path, errno: 'ELOOP' }) }),
  );
  expect(new NodeDisk().exists(join(root, 'none'))).toBe(false);
  expect(new NodeDisk().exists(join('/dev/null', 'below'))).toBe(false);
});

test('what is not to be synced is not synced, be it there or not', () => {
  const path = join(root, 'none');

  expect(() => new NodeDisk().syncDirectory(path)).toThrow(expect.objectContaining({ code: 'ERR_STORAGE' }));
  expect(() => new NodeDisk({ isSynced: false }).syncDirectory(path)).not.toThrow();
});

test('a file that is not to be synced is written all the same', () => {
  const disk = new NodeDisk({ isSynced: false });
  const file = disk.open(join(root, 'file'), 'create');

  file.write([Uint8Array.of(1, 2), Uint8Array.of(3)], 0);
  file.sync();

  const into = new Uint8Array(3);
  expect([file.read(into, 0), [...into]]).toEqual([3, [1, 2, 3]]);
  file.close();
});

test('a relative directory is made below the working directory', () => {
  const before = process.cwd();
  process.chdir(root);
  try {
    new NodeDisk().makeDirectory('made/below');
    expect(new NodeDisk().list(join(root, 'made'))).toEqual(['below']);
  } finally {
    process.chdir(before);
  }
});

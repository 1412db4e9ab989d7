import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { withTemporaryDirectory } from '../../../bench/cluster/temporary-directory.js';
import { storedBytes } from '../../../bench/storage/stored-bytes.js';

describe('a temporary directory', () => {
  test('is there while it is used, and gone with all that is in it afterwards', async () => {
    const path = await withTemporaryDirectory(async (directory) => {
      mkdirSync(`${directory}/deep`);
      writeFileSync(`${directory}/deep/file`, 'text');
      expect(existsSync(`${directory}/deep/file`)).toBe(true);
      return directory;
    });

    expect(existsSync(path)).toBe(false);
  });

  test('is gone after a failure, too', async () => {
    let path = '';

    const failing = withTemporaryDirectory(async (directory) => {
      path = directory;
      throw new Error('in use');
    });

    await expect(failing).rejects.toThrow('in use');
    expect(existsSync(path)).toBe(false);
    expect(process.listeners('exit').filter((listener) => String(listener).includes('REMOVE'))).toEqual([]);
  });
});

test('the bytes of log and snapshots are those of their files', async () => {
  const bytes = await withTemporaryDirectory(async (directory) => {
    for (const part of ['log', 'snapshots']) mkdirSync(`${directory}/${part}`);
    writeFileSync(`${directory}/log/1.wal`, new Uint8Array(1000));
    writeFileSync(`${directory}/log/2.wal`, new Uint8Array(200));
    writeFileSync(`${directory}/snapshots/1`, new Uint8Array(50));
    writeFileSync(`${directory}/node.json`, 'not counted');
    return storedBytes(directory);
  });

  expect(bytes).toEqual({ log: 1200, snapshots: 50 });
});

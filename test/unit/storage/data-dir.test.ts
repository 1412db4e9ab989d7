import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { nodeId } from '../../../src/ids.js';
import { DataDir } from '../../../src/storage/data-dir.js';
import { NodeDisk } from '../../../src/storage/node-disk.js';
import type { NodeName } from '../../../src/storage/node-identity.js';
import { temporaryDirectory } from './support/temporary-directory.js';

const US: NodeName = { cluster: 'orders', self: nodeId('a:1') };

async function open(path: string, name = US): Promise<DataDir> {
  const dataDir = await DataDir.open(new NodeDisk(), path, name);
  onTestFinished(() => dataDir.close());
  return dataDir;
}

test('a directory that does not exist is created, with everything in its place', async () => {
  const path = join(temporaryDirectory(), 'var', 'data');

  const { layout, identity } = await open(path);

  expect(layout).toEqual({
    path,
    node: join(path, 'node.json'),
    objects: join(path, 'objects.json'),
    lock: join(path, 'LOCK'),
    log: join(path, 'log'),
    snapshots: join(path, 'snapshots'),
  });
  expect(readdirSync(path)).toEqual(['LOCK', 'log', 'node.json', 'snapshots']);
  expect(identity.isNew).toBe(true);
});

test('its paths stay right when it was named relative to the working directory', async () => {
  const path = temporaryDirectory();

  const { layout } = await open(relative(process.cwd(), path));

  expect(layout.path).toBe(path);
});

test('it is locked until it is closed, and keeps its identity', async () => {
  const path = temporaryDirectory();
  const first = await open(path);

  await expect(open(path)).rejects.toMatchObject({ code: 'ERR_DATA_DIR_LOCKED' });
  await first.close();
  await first.close();
  writeFileSync(join(path, 'log', '1.wal'), '');
  const second = await open(path);

  expect(second.identity).toEqual({ incarnation: first.identity.incarnation, isNew: false });
});

test.each([
  {
    why: 'it is another node that asks',
    code: 'ERR_DATA_DIR_MISMATCH',
    prepare: async (path: string) => await (await open(path, { ...US, self: nodeId('b:2') })).close(),
  },
  {
    why: 'nobody knows whose log there is',
    code: 'ERR_STORAGE_CORRUPT',
    prepare: async (path: string) => {
      await mkdir(join(path, 'log'));
      await writeFile(join(path, 'log', '1'), '');
    },
  },
  {
    why: 'a directory cannot be made',
    code: 'ERR_STORAGE',
    prepare: (path: string) => writeFile(join(path, 'snapshots'), ''),
  },
])('it is unlocked again when it is refused because $why', async ({ code, prepare }) => {
  const path = temporaryDirectory();
  await prepare(path);

  const refusals = [
    await open(path).catch((error: unknown) => error),
    await open(path).catch((error: unknown) => error),
  ];

  expect(refusals).toMatchObject([{ code }, { code }]);
  expect(readdirSync(join(path, 'LOCK'))).toEqual([]);
});

test('nothing is written next to a file that stands where the directory should be', async () => {
  const path = join(temporaryDirectory(), 'file');
  writeFileSync(path, '');

  await expect(open(path)).rejects.toMatchObject({ code: 'ERR_STORAGE' });

  expect(existsSync(join(path, '..', 'LOCK'))).toBe(false);
});

import { closeSync, existsSync, mkdirSync, openSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { SOCKET_NAME_BYTES_MAX, SocketDirectory } from '../../../src/storage/socket-directory.js';
import { temporaryDirectory } from './support/temporary-directory.js';

const NAME = 'n'.repeat(SOCKET_NAME_BYTES_MAX);
/** What the address of a socket has room for on macOS. */
const ADDRESS_BYTES_MAX = 103;
/** Of no open file. */
const NO_DESCRIPTOR = -1;

function longDirectory(): string {
  const path = join(temporaryDirectory(), 'ö'.repeat(100));
  mkdirSync(path);
  return path;
}

test('a directory with a short path is used as it is', () => {
  const sockets = SocketDirectory.open('/data/LOCK', NO_DESCRIPTOR);

  expect(sockets.pathOf('name')).toBe('/data/LOCK/name');
  sockets.close();
});

test.runIf(process.platform === 'linux')('one with a long path is reached by way of its descriptor', () => {
  const path = longDirectory();
  const descriptor = openSync(path, 'r');
  onTestFinished(() => closeSync(descriptor));

  const sockets = SocketDirectory.open(path, descriptor);

  expect(sockets.pathOf(NAME).length).toBeLessThanOrEqual(ADDRESS_BYTES_MAX);
  writeFileSync(sockets.pathOf(NAME), '');
  expect(readdirSync(path)).toEqual([NAME]);
  sockets.close();
});

test('where that is not possible, by way of a symbolic link that is gone afterwards', () => {
  const path = longDirectory();

  const sockets = SocketDirectory.open(path, NO_DESCRIPTOR);
  const way = sockets.pathOf(NAME);
  writeFileSync(way, '');
  const names = readdirSync(path);
  sockets.close();

  expect(way.length).toBeLessThanOrEqual(ADDRESS_BYTES_MAX);
  expect(way.startsWith(tmpdir())).toBe(true);
  expect(names).toEqual([NAME]);
  expect(existsSync(way)).toBe(false);
});

test('when the path of the directory for temporary files is too long as well, it is refused and not cut off', () => {
  vi.stubEnv('TMPDIR', longDirectory());
  onTestFinished(() => void vi.unstubAllEnvs());

  expect(() => SocketDirectory.open(longDirectory(), NO_DESCRIPTOR)).toThrow(
    expect.objectContaining({ code: 'ERR_STORAGE', data: expect.objectContaining({ errno: 'ENAMETOOLONG' }) }),
  );
});

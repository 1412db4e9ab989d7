import { mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { dataDirLayout } from '../../../src/storage/data-dir-layout.js';
import { DirectoryLock } from '../../../src/storage/directory-lock.js';
import { leaveDeadClaim, RANDOM_PARTS } from './support/dead-claim.js';
import { temporaryDirectory } from './support/temporary-directory.js';

/** More than the address of a socket has room for. */
const LONG_NAME = 'a-long-name-for-a-directory-'.repeat(5);

async function acquire(directory: string): Promise<DirectoryLock> {
  const lock = await DirectoryLock.acquire(directory);
  onTestFinished(() => lock.release());
  return lock;
}

function makeDirectory(name: string): string {
  const path = join(temporaryDirectory(), name);
  mkdirSync(path);
  return path;
}

describe('a lock that is held', () => {
  test('refuses this process too, and names the holder and the directory', async () => {
    const path = makeDirectory('data');
    await acquire(path);

    const second = acquire(path);

    await expect(second).rejects.toMatchObject({
      code: 'ERR_DATA_DIR_LOCKED',
      message: expect.stringMatching(
        new RegExp(`${path} is in use by process ${process.pid} on host .*Each node needs a dataDir of its own`),
      ),
      data: { pid: process.pid, host: hostname(), path },
      retrySafe: true,
    });
  });

  test.each([
    { spelling: 'a path that takes a turn', of: (path: string) => `${path}/../data/.` },
    {
      spelling: 'a symbolic link',
      of: (path: string) => {
        symlinkSync(path, `${path}-link`);
        return `${path}-link`;
      },
    },
  ])('refuses $spelling', async ({ of }) => {
    const path = makeDirectory('data');
    await acquire(path);

    await expect(acquire(of(path))).rejects.toMatchObject({ code: 'ERR_DATA_DIR_LOCKED', data: { path } });
  });

  test('leaves other directories alone', async () => {
    const parent = makeDirectory('data');
    const child = join(parent, 'child');
    mkdirSync(child);
    await acquire(parent);

    expect(await acquire(child)).toMatchObject({ path: child });
  });

  test('answers many at once', async () => {
    const path = makeDirectory('data');
    await acquire(path);

    const others = await Promise.allSettled(Array.from({ length: 50 }, () => acquire(path)));

    const pids = others.map((other) => other.status === 'rejected' && (other.reason as DataError).data.pid);
    expect(new Set(pids)).toEqual(new Set([process.pid]));
  });

  test.runIf(process.platform === 'linux')('holds when its file is deleted by hand', async () => {
    const path = makeDirectory('data');
    await acquire(path);
    rmSync(dataDirLayout(path).lock, { recursive: true });

    await expect(acquire(path)).rejects.toMatchObject({ data: { pid: process.pid } });
  });
});

interface DataError {
  readonly data: { readonly pid: number };
}

describe('releasing', () => {
  test('frees the directory at once and leaves nothing behind', async () => {
    const path = makeDirectory('data');
    const lock = await acquire(path);

    await lock.release();

    expect(readdirSync(dataDirLayout(path).lock)).toEqual([]);
    expect(await acquire(path)).toMatchObject({ path });
  });

  test('works once, twice, and after the files or the whole directory were deleted', async () => {
    const path = makeDirectory('data');
    const lock = await acquire(path);
    rmSync(path, { recursive: true });

    await Promise.all([lock.release(), lock.release()]);
    await lock.release();

    mkdirSync(path);
    expect(await acquire(path)).toMatchObject({ path });
  });
});

test('a path longer than the address of a socket is locked, refused and freed like any other', async () => {
  const path = makeDirectory(LONG_NAME);
  await leaveDeadClaimUnder(path);

  const lock = await acquire(path);
  const names = readdirSync(dataDirLayout(path).lock);
  await expect(acquire(path)).rejects.toMatchObject({ data: { pid: process.pid, path } });
  await lock.release();

  expect(names).toHaveLength(2);
  expect(await acquire(path)).toMatchObject({ path });
});

/** Bound where there is room for it, then moved. */
async function leaveDeadClaimUnder(path: string): Promise<void> {
  const short = temporaryDirectory();
  symlinkSync(path, join(short, 'to'));
  await leaveDeadClaim(join(short, 'to', 'LOCK'), { random: RANDOM_PARTS[0], pid: process.ppid, held: true });
}

describe('a directory that cannot be locked', () => {
  test('because it is missing: the system says so, and nothing is left open', async () => {
    const path = join(temporaryDirectory(), 'missing');

    await expect(acquire(path)).rejects.toMatchObject({
      code: 'ERR_STORAGE',
      data: { operation: 'lstat', path, errno: 'ENOENT' },
    });
  });

  test('because its locks are a file: refused, and free again when that is gone', async () => {
    const path = makeDirectory('data');
    writeFileSync(dataDirLayout(path).lock, '');

    await expect(acquire(path)).rejects.toMatchObject({ code: 'ERR_STORAGE' });

    rmSync(dataDirLayout(path).lock);
    expect(await acquire(path)).toMatchObject({ path });
  });
});

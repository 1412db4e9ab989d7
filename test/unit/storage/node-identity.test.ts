import { describe, expect, test } from 'vitest';
import type { ConclaveError } from '../../../src/errors.js';
import { nodeId } from '../../../src/ids.js';
import { readOrCreateIdentity, type NodeIdentity, type NodeName } from '../../../src/storage/node-identity.js';
import { SimulatedCrash } from '../../../src/testing/simulated-disk-crash.js';
import { SimulatedDisk } from '../../../src/testing/simulated-disk.js';

const DIR = '/data';
const FILE = `${DIR}/node.json`;
const US: NodeName = { cluster: 'orders', self: nodeId('a:1') };
const HEX = /^[0-9a-f]{32}$/;

function emptyDisk(seed = 1): SimulatedDisk {
  const disk = new SimulatedDisk(seed);
  disk.makeDirectory(DIR);
  return disk;
}

function write(disk: SimulatedDisk, path: string, text: string): void {
  if (disk.exists(path)) disk.remove(path);
  const file = disk.open(path, 'create');
  file.write([Buffer.from(text)], 0);
  file.close();
}

/** From here on there is something to be remembered. */
function beginLog(disk: SimulatedDisk): void {
  disk.makeDirectory(`${DIR}/log`);
  const file = disk.open(`${DIR}/log/1.wal`, 'create');
  file.sync();
  file.close();
  disk.syncDirectory(`${DIR}/log`);
}

function contentOf(disk: SimulatedDisk): Record<string, unknown> {
  return JSON.parse(Buffer.from(disk.files().get(FILE)!).toString()) as Record<string, unknown>;
}

describe('an empty directory', () => {
  test('gets an identity, which is kept from then on', () => {
    const disk = emptyDisk();

    const first = readOrCreateIdentity(disk, DIR, US);
    beginLog(disk);
    const second = readOrCreateIdentity(disk, DIR, US);

    expect(first).toEqual({ incarnation: expect.stringMatching(HEX), isNew: true });
    expect(second).toEqual({ incarnation: first.incarnation, isNew: false });
    expect(disk.openFiles).toBe(0);
  });

  test('is told apart from one that was emptied, also for the same node', () => {
    const disk = emptyDisk();
    const first = readOrCreateIdentity(disk, DIR, US);
    disk.remove(FILE);

    const second = readOrCreateIdentity(disk, DIR, US);

    expect(second.isNew).toBe(true);
    expect(second.incarnation).not.toBe(first.incarnation);
  });

  test('is what a directory is whose log and snapshots were emptied: what was promised is forgotten', () => {
    const disk = emptyDisk();
    const first = readOrCreateIdentity(disk, DIR, US);
    beginLog(disk);
    disk.remove(`${DIR}/log/1.wal`);

    const second = readOrCreateIdentity(disk, DIR, US);

    expect(second.isNew).toBe(true);
    expect(second.incarnation).not.toBe(first.incarnation);
  });

  test('is not one whose log was away for one start and is back: it is of another incarnation', () => {
    const disk = emptyDisk();
    readOrCreateIdentity(disk, DIR, US);
    beginLog(disk);
    disk.rename(`${DIR}/log/1.wal`, `${DIR}/1.wal`);
    const owner = disk.list(`${DIR}/log`).find((name) => name.endsWith('.owner'))!;
    readOrCreateIdentity(disk, DIR, US);
    for (const name of disk.list(`${DIR}/log`)) disk.remove(`${DIR}/log/${name}`);
    disk.rename(`${DIR}/1.wal`, `${DIR}/log/1.wal`);
    write(disk, `${DIR}/log/${owner}`, '');

    expect(() => readOrCreateIdentity(disk, DIR, US)).toThrow(expect.objectContaining({ code: 'ERR_STORAGE_CORRUPT' }));
  });

  test('is not one whose log alone was emptied: that is refused', () => {
    const disk = emptyDisk();
    readOrCreateIdentity(disk, DIR, US);
    disk.makeDirectory(`${DIR}/snapshots`);
    write(disk, `${DIR}/snapshots/1.snapshot`, '');

    expect(() => readOrCreateIdentity(disk, DIR, US)).toThrow(expect.objectContaining({ code: 'ERR_STORAGE_CORRUPT' }));
  });

  test('may have a log and snapshots with nothing in them, as file systems of their own', () => {
    const disk = emptyDisk();
    for (const name of ['log', 'snapshots']) disk.makeDirectory(`${DIR}/${name}/lost+found`);

    expect(readOrCreateIdentity(disk, DIR, US).isNew).toBe(true);
  });

  test('may be that of an observer, which has no name', () => {
    const disk = emptyDisk();
    const first = readOrCreateIdentity(disk, DIR, { ...US, self: null });
    beginLog(disk);

    const second = readOrCreateIdentity(disk, DIR, { ...US, self: null });

    expect(second).toEqual({ incarnation: first.incarnation, isNew: false });
    expect(contentOf(disk)).toMatchObject({ version: 1, cluster: 'orders', self: null });
  });
});

describe('the directory of somebody else', () => {
  test.each([
    { who: 'another node', wanted: { ...US, self: nodeId('b:2') }, says: 'not to node b:2 of cluster "orders"' },
    { who: 'another cluster', wanted: { ...US, cluster: 'bills' }, says: 'not to node a:1 of cluster "bills"' },
    { who: 'an observer', wanted: { ...US, self: null }, says: 'not to an observer of cluster "orders"' },
  ])('is refused to $who, and says whose it is and what to do', ({ wanted, says }) => {
    const disk = emptyDisk();
    readOrCreateIdentity(disk, DIR, US);

    const attempt = (): NodeIdentity => readOrCreateIdentity(disk, DIR, wanted);

    expect(attempt).toThrow(
      expect.objectContaining({
        code: 'ERR_DATA_DIR_MISMATCH',
        message: expect.stringContaining(`/data belongs to node a:1 of cluster "orders", ${says}. Give each node`),
        data: { path: DIR, cluster: 'orders', self: 'a:1' },
      }),
    );
    expect(disk.openFiles).toBe(0);
  });

  test('is refused when a newer version wrote it, whatever else that version has changed', () => {
    const disk = emptyDisk();
    write(disk, FILE, JSON.stringify({ version: 2, who: 'knows' }));

    expect(() => readOrCreateIdentity(disk, DIR, US)).toThrow(
      expect.objectContaining({ code: 'ERR_DATA_DIR_MISMATCH', message: expect.stringContaining('newer version') }),
    );
  });
});

describe('an identity that cannot be trusted', () => {
  test.each([
    { what: 'nothing', text: '' },
    { what: 'half of it', text: '{"version": 1, "clus' },
    { what: 'no object', text: '1' },
    { what: 'null', text: 'null' },
    { what: 'no version', text: '{}' },
    { what: 'a version below the first', text: '{"version": 0}' },
    { what: 'no cluster', text: '{"version": 1, "self": null}' },
    { what: 'no node', text: '{"version": 1, "cluster": "orders"}' },
    { what: 'no incarnation', text: '{"version": 1, "cluster": "orders", "self": "a:1", "incarnation": "abc"}' },
    { what: 'far too much', text: ' '.repeat(100_000) },
  ])('is refused: the file holds $what', ({ text }) => {
    const disk = emptyDisk();
    write(disk, FILE, text);

    expect(() => readOrCreateIdentity(disk, DIR, US)).toThrow(
      expect.objectContaining({ code: 'ERR_STORAGE_CORRUPT', message: expect.stringContaining(FILE) }),
    );
    expect(disk.openFiles).toBe(0);
  });

  test('is refused: any bit of the file is another one', () => {
    const disk = emptyDisk();
    const { incarnation } = readOrCreateIdentity(disk, DIR, US);
    const size = disk.files().get(FILE)!.length;
    const accepted: string[] = [];

    for (let offset = 0; offset < size; offset++) {
      for (let bit = 0; bit < 8; bit++) {
        disk.flipBit(FILE, offset, bit);
        try {
          const read = readOrCreateIdentity(disk, DIR, US);
          if (read.isNew || read.incarnation !== incarnation) accepted.push(`${offset}.${bit}`);
        } catch (error) {
          expect(error).toMatchObject({ code: expect.stringMatching(/^ERR_(STORAGE_CORRUPT|DATA_DIR_MISMATCH)$/) });
        }
        disk.flipBit(FILE, offset, bit);
      }
    }

    expect(accepted).toEqual([]);
  });

  test.each(['log', 'snapshots'])('is refused: it is missing, and there are files in %s', (name) => {
    const disk = emptyDisk();
    disk.makeDirectory(`${DIR}/${name}`);
    write(disk, `${DIR}/${name}/1`, 'something');

    expect(() => readOrCreateIdentity(disk, DIR, US)).toThrow(
      expect.objectContaining({ code: 'ERR_STORAGE_CORRUPT', message: expect.stringContaining('it is missing') }),
    );
    expect(disk.exists(FILE)).toBe(false);
  });
});

describe('when the disk fails', () => {
  test('there is no identity yet, or it is whole and durable, whenever the power goes', () => {
    const operations = operationsOf(US);

    for (let crashAt = 1; crashAt <= operations; crashAt++) {
      for (let seed = 0; seed < 20; seed++) {
        const disk = emptyDisk(seed);
        disk.crashAt(disk.operations + crashAt);
        expect(() => readOrCreateIdentity(disk, DIR, US)).toThrow(SimulatedCrash);

        const next = readOrCreateIdentity(disk.afterPowerLoss(seed), DIR, US);

        expect(next.incarnation).toMatch(HEX);
      }
    }
  });

  test('an identity that was returned survives the loss of power', () => {
    for (let seed = 0; seed < 20; seed++) {
      const disk = emptyDisk(seed);
      const { incarnation } = readOrCreateIdentity(disk, DIR, US);
      beginLog(disk);

      const next = readOrCreateIdentity(disk.afterPowerLoss(seed), DIR, US);

      expect(next).toEqual({ incarnation, isNew: false });
    }
  });

  test('an identity that another process did not live to make durable is made so before it is used', () => {
    const operations = operationsOf(US);

    for (let crashAt = 1; crashAt <= operations; crashAt++) {
      for (let seed = 0; seed < 20; seed++) {
        const disk = emptyDisk(seed);
        disk.crashAt(disk.operations + crashAt);
        expect(() => readOrCreateIdentity(disk, DIR, US)).toThrow(SimulatedCrash);
        const next = disk.afterProcessDeath();
        const { incarnation } = readOrCreateIdentity(next, DIR, US);
        beginLog(next);

        const last = readOrCreateIdentity(next.afterPowerLoss(seed), DIR, US);

        expect(last).toEqual({ incarnation, isNew: false });
      }
    }
  });

  test('a log that is away, with a place that refuses another one, finds its identity when it is back', () => {
    const disk = emptyDisk();
    const { incarnation } = readOrCreateIdentity(disk, DIR, US);
    let refusals = 0;

    for (let failAt = 1; failAt <= operationsOf(US); failAt++) {
      const away = disk.afterProcessDeath();
      away.failAt(failAt, 'EACCES');
      const path = refusedPath(() => readOrCreateIdentity(away, DIR, US));
      if (!path.startsWith(`${DIR}/log`)) continue;

      refusals += 1;
      expect(contentOf(away)).toMatchObject({ incarnation });
    }

    expect(refusals).toBeGreaterThan(0);
  });

  test('every refusal is told, leaves no file open, and can be tried again', () => {
    const operations = operationsOf(US);

    for (let failAt = 1; failAt <= operations; failAt++) {
      const disk = emptyDisk();
      disk.failAt(disk.operations + failAt, 'ENOSPC');

      const attempt = (): NodeIdentity => readOrCreateIdentity(disk, DIR, US);

      expect(attempt).toThrow(
        expect.objectContaining({ code: 'ERR_STORAGE', data: expect.objectContaining({ errno: 'ENOSPC' }) }),
      );
      expect(disk.openFiles).toBe(0);
      expect(attempt().incarnation).toMatch(HEX);
    }
  });
});

/** What the disk has refused to touch; '' if nothing. */
function refusedPath(run: () => unknown): string {
  try {
    run();
    return '';
  } catch (error) {
    return (error as ConclaveError).data['path'] as string;
  }
}

/** How many operations of the disk it takes to make an identity. */
function operationsOf(name: NodeName): number {
  const disk = emptyDisk();
  const before = disk.operations;
  readOrCreateIdentity(disk, DIR, name);
  return disk.operations - before;
}

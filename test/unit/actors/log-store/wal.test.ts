/** What the writer has written is what a scan finds, whatever segments it lies in, and what was dropped is gone. */

import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { readRuns } from '../../../../src/actors/log-store/log-range.js';
import { scanWal } from '../../../../src/actors/log-store/wal-scan.js';
import { WalWriter } from '../../../../src/actors/log-store/wal-writer.js';
import { groupId, logIndex, type GroupId } from '../../../../src/ids.js';
import { SeededRandom } from '../../../../src/runtime/random.js';
import { NodeDisk } from '../../../../src/storage/node-disk.js';
import { modelSnapshot } from '../../../../src/testing/log-store-model.js';
import type { SimulatedDisk } from '../../../../src/testing/simulated-disk.js';
import {
  append,
  commit,
  describeEntries,
  DIRECTORY,
  extent,
  GROUP,
  HEADER_BYTES,
  idle,
  newDisk,
  path,
  scan,
  SEGMENT_BYTES,
  startWal,
  vote,
} from './support/wal.js';

const OTHER = groupId(7);
const MIB = 1024 * 1024;

let disk: SimulatedDisk;
let writer: WalWriter;

beforeEach(() => {
  disk = newDisk();
  writer = startWal(disk);
});

function found(group: GroupId = GROUP): string[] {
  const log = scan(disk).groups.get(group);
  if (log === undefined || log.lastIndex === null) return [];
  return describeEntries(readRuns(disk, DIRECTORY, group, log.runs, log.firstIndex!, log.lastIndex, true));
}

const names = (): string[] => [...disk.list(DIRECTORY)];

const range = (inTerm: number, first: number, last: number): string[] =>
  Array.from({ length: last - first + 1 }, (_, i) => `${inTerm}:${first + i}`);

describe('what is found', () => {
  test('of a log that was only started is nothing', () => {
    expect(scan(disk)).toMatchObject({ torn: null, groups: new Map() });
    writer.close();
    expect(scan(disk)).toMatchObject({ torn: null, groups: new Map() });
  });

  test('is what was committed, by group', () => {
    append(writer, 1, 3);
    append(writer, 5, 6, 2, 10, OTHER);
    vote(writer, 4, 'a:1');
    vote(writer, 9, null, OTHER);
    writer.commit();

    const { groups, torn } = scan(disk);
    expect(torn).toBeNull();
    expect(groups.get(GROUP)!.hardState).toEqual({ term: 4, votedFor: 'a:1' });
    expect(groups.get(OTHER)!.hardState).toEqual({ term: 9, votedFor: null });
    expect(found()).toEqual(range(1, 1, 3));
    expect(found(OTHER)).toEqual(range(2, 5, 6));
  });

  test('is not what was gathered only', () => {
    commit(writer, 1, 2);
    append(writer, 3, 4);
    writer.release();

    expect(found()).toEqual(range(1, 1, 2));
  });

  test('is what replaced, not what was replaced', () => {
    commit(writer, 1, 5);
    commit(writer, 4, 4, 2);
    append(writer, 5, 8, 2);
    append(writer, 7, 7, 3);
    writer.commit();

    expect(found()).toEqual([...range(1, 1, 3), ...range(2, 4, 6), ...range(3, 7, 7)]);
  });

  test('behind a reset is what follows it', () => {
    commit(writer, 1, 5);
    writer.reset(GROUP, modelSnapshot(20, 2));
    append(writer, 21, 22, 2);
    writer.commit();

    expect(scan(disk).groups.get(GROUP)!.base).toEqual(modelSnapshot(20, 2));
    expect(found()).toEqual(range(2, 21, 22));
  });

  test('is the same after any number of starts, with more between them', () => {
    for (let life = 0; life < 5; life++) {
      commit(writer, life * 2 + 1, life * 2 + 2, life + 1);
      vote(writer, life + 1, 'a:1');
      writer.close();
      writer = startWal(disk);
    }

    expect(found()).toEqual([1, 2, 3, 4, 5].flatMap((life) => range(life, life * 2 - 1, life * 2)));
    expect(scan(disk).groups.get(GROUP)!.hardState).toEqual({ term: 5, votedFor: 'a:1' });
  });
});

describe('one commit', () => {
  test('costs one write and one sync, however much was gathered', () => {
    for (let i = 1; i <= 20; i++) append(writer, i, i);
    vote(writer, 3);
    append(writer, 21, 21, 3, 0, OTHER);
    const before = disk.operations;

    writer.commit();

    expect(disk.operations - before).toBe(2);
  });

  test('of nothing costs nothing', () => {
    const before = disk.operations;
    writer.commit();
    expect(disk.operations).toBe(before);
  });

  test('may be larger than a segment: it goes on in the next ones', () => {
    for (let i = 1; i <= 10; i++) append(writer, i, i, 1, 1000);
    writer.commit();

    expect(names().length).toBeGreaterThan(3);
    expect(found()).toEqual(range(1, 1, 10));
  });

  test('may have a record larger than a segment, which gets one of its size', () => {
    append(writer, 1, 1);
    append(writer, 2, 2, 1, 3 * SEGMENT_BYTES);
    append(writer, 3, 3);
    writer.commit();

    expect(found()).toEqual(range(1, 1, 3));
    expect(disk.files().get(path(2))!.length).toBeLessThan(4 * SEGMENT_BYTES);
  });
});

describe('segments', () => {
  function fill(from: number, segments: number): number {
    let index = from;
    const last = names().filter((name) => name.endsWith('.wal')).length + segments;
    while (names().filter((name) => name.endsWith('.wal')).length < last) {
      commit(writer, index, index, 1, 500);
      writer.idle();
      index++;
    }
    return index - 1;
  }

  test('follow each other, the old ones as short as what is in them', () => {
    const last = fill(1, 4);

    expect(found()).toEqual(range(1, 1, last));
    const files = disk.files();
    for (let sequence = 1; sequence <= 4; sequence++) {
      expect(files.get(path(sequence))!.length).toBeLessThan(SEGMENT_BYTES);
    }
    expect(files.get(path(5))!.length).toBe(SEGMENT_BYTES);
  });

  test('are made ahead, once the current one is half full', () => {
    idle(writer);
    expect(names()).toEqual(['0000000000000001.wal']);

    commit(writer, 1, 1, 1, SEGMENT_BYTES * 0.8);
    idle(writer);

    expect(names()).toEqual(['0000000000000001.wal', '0000000000000002.tmp']);
    const before = disk.operations;
    commit(writer, 2, 2, 1, 1000);
    // Header, sync, rename, directory; end, sync, cut; records, sync.
    expect(disk.operations - before).toBe(9);
  });

  test('grow from one to the next, up to the size that was asked for', () => {
    const directory = mkdtempSync(join(tmpdir(), 'conclave-wal-'));
    const files = new NodeDisk({ isSynced: false });
    const options = { disk: files, directory, segmentBytes: 10 * MIB, random: new SeededRandom(1) };
    const large = WalWriter.start(options, scanWal(files, directory));

    for (let i = 1; i <= 11; i++) commit(large, i, i, 1, MIB);

    const last = statSync(join(directory, '0000000000000003.wal'));
    expect(scanWal(files, directory).segments).toHaveLength(3);
    expect(last.size).toBe(10 * MIB);
    large.close();
    rmSync(directory, { recursive: true });
  });

  test('all begin with the hard states, so that none needs those before it', () => {
    vote(writer, 3, 'a:1');
    vote(writer, 8, null, OTHER);
    const last = fill(1, 3);

    writer.drop(GROUP, logIndex(last));
    idle(writer);

    const { groups, segments } = scan(disk);
    expect(segments.map(({ sequence }) => sequence)).toEqual([4]);
    expect(groups.get(GROUP)!.hardState).toEqual({ term: 3, votedFor: 'a:1' });
    expect(groups.get(OTHER)!.hardState).toEqual({ term: 8, votedFor: null });
  });

  test('are dropped when no group needs an entry of them, and not before', () => {
    commit(writer, 1, 3, 1, 10);
    append(writer, 1, 1, 1, 10, OTHER);
    fill(4, 3);

    writer.drop(GROUP, logIndex(1000));
    idle(writer);
    expect(scan(disk).segments.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4]);

    writer.drop(OTHER, logIndex(1));
    idle(writer);
    expect(names()).toEqual(['0000000000000004.wal']);
  });

  test('that still hold a wanted entry are kept, whole', () => {
    const last = fill(1, 3);
    const second = scan(disk).segments[1]!.lastIndexes.get(GROUP)!;

    writer.drop(GROUP, logIndex(second - 1));
    idle(writer);

    const [first, end] = extent(scan(disk));
    expect(first).toBeLessThanOrEqual(second - 1);
    expect(first).toBeGreaterThan(1);
    expect(end).toBe(last);
  });

  test('of earlier lives are dropped as well', () => {
    fill(1, 2);
    writer.close();
    writer = startWal(disk);

    writer.drop(GROUP, logIndex(1000));
    idle(writer);

    expect(names()).toEqual(['0000000000000004.wal']);
  });

  test('that were being made or removed are gone after the next start', () => {
    commit(writer, 1, 1, 1, SEGMENT_BYTES * 0.8);
    idle(writer);
    writer.release();
    disk.open(`${DIRECTORY}/0000000000000000.tmp`, 'create').close();

    startWal(disk);

    expect(names()).toEqual(['0000000000000001.wal', '0000000000000002.wal']);
    expect(found()).toEqual(range(1, 1, 1));
  });
});

describe('a writer', () => {
  test.each(['write', 'sync'] as const)('that was refused a %s refuses everything', (operation) => {
    commit(writer, 1, 1);
    append(writer, 2, 2);
    disk.failAt(disk.operations + (operation === 'write' ? 1 : 2), 'EIO');
    const refusal = expect.objectContaining({ code: 'ERR_STORAGE', data: expect.objectContaining({ operation }) });

    expect(() => writer.commit()).toThrow(refusal);
    append(writer, 3, 3);
    const before = disk.operations;

    expect(() => writer.commit()).toThrow(refusal);
    expect(() => writer.idle()).toThrow(refusal);
    expect(() => writer.close()).toThrow(refusal);
    expect(disk.operations).toBe(before);
    expect(disk.openFiles).toBe(0);
  });

  test('leaves no file open when it is closed, nor when its start fails', () => {
    commit(writer, 1, 1, 1, SEGMENT_BYTES * 0.8);
    idle(writer);
    writer.close();
    expect(disk.openFiles).toBe(0);

    for (let operation = 1; operation <= 14; operation++) {
      disk.failAt(disk.operations + operation, 'ENOSPC');
      try {
        startWal(disk).close();
      } catch (error) {
        expect(error).toMatchObject({ code: 'ERR_STORAGE' });
      }
      expect(disk.openFiles).toBe(0);
    }
    expect(found()).toEqual(range(1, 1, 1));
  });

  test('writes nothing behind what it has ended: the first record of a life is in a segment of its own', () => {
    commit(writer, 1, 1);
    writer.close();
    startWal(disk).close();

    expect(
      disk
        .files()
        .get(path(2))!
        .subarray(HEADER_BYTES)
        .every((byte) => byte === 0),
    ).toBe(true);
  });
});

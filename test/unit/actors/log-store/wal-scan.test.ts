/** What a crash may have torn is cut, what was durable and is damaged is refused, and the two are told apart. */

import { beforeEach, describe, expect, test } from 'vitest';
import type { WalWriter } from '../../../../src/actors/log-store/wal-writer.js';
import { encodeSegmentHeader } from '../../../../src/actors/log-store/wal-format.js';
import type { SimulatedDisk } from '../../../../src/testing/simulated-disk.js';
import {
  append,
  commit,
  corrupt,
  extent,
  HEADER_BYTES,
  idle,
  newDisk,
  overwrite,
  path,
  scan,
  startWal,
  vote,
} from './support/wal.js';

/** One entry with a payload of 10 bytes: 56 for the record, 40 for the entry, up to the next multiple of 8. */
const RECORD_BYTES = 112;
const FIRST = HEADER_BYTES;
const SECOND = FIRST + RECORD_BYTES;
const THIRD = SECOND + RECORD_BYTES;
const ZEROS = new Uint8Array(RECORD_BYTES);

let disk: SimulatedDisk;
let writer: WalWriter;

beforeEach(() => {
  disk = newDisk();
  writer = startWal(disk);
});

describe('a torn end is cut', () => {
  test('where a record was written partly', () => {
    commit(writer, 1, 1);
    commit(writer, 2, 2);
    writer.release();
    overwrite(disk, path(1), SECOND + 80, ZEROS.subarray(80));

    expect(scan(disk).torn).toEqual({ path: path(1), offset: SECOND, bytes: 80 });
    expect(extent(scan(disk))).toEqual([1, 1]);
  });

  test('where the first record of a batch is torn and the second one is whole', () => {
    commit(writer, 1, 1);
    append(writer, 2, 2);
    append(writer, 3, 3);
    writer.commit();
    writer.release();
    overwrite(disk, path(1), SECOND, ZEROS);

    expect(scan(disk).torn).toMatchObject({ path: path(1), offset: SECOND });
    expect(extent(scan(disk))).toEqual([1, 1]);
  });

  test('where a mark was left standing and records behind it are whole', () => {
    commit(writer, 1, 1);
    idle(writer);
    const mark = disk
      .files()
      .get(path(1))!
      .slice(SECOND, SECOND + 56);
    append(writer, 2, 2);
    append(writer, 3, 3);
    writer.commit();
    writer.release();
    overwrite(disk, path(1), SECOND, ZEROS);
    overwrite(disk, path(1), SECOND, mark);

    expect(scan(disk).torn).toMatchObject({ path: path(1), offset: SECOND });
    expect(extent(scan(disk))).toEqual([1, 1]);
  });

  test('where the first record of a segment is torn, and its predecessor is ended', () => {
    commit(writer, 1, 1);
    writer.close();
    writer = startWal(disk);
    vote(writer, 1, 'a:1');
    writer.commit();
    writer.release();
    overwrite(disk, path(2), FIRST, Uint8Array.of(0));

    expect(scan(disk).torn).toMatchObject({ path: path(2), offset: FIRST });
    expect(extent(scan(disk))).toEqual([1, 1]);
    startWal(disk).close();
    expect(extent(scan(disk))).toEqual([1, 1]);
  });

  test('for ever: what was cut does not come to life behind what is written next', () => {
    append(writer, 1, 1);
    append(writer, 2, 2);
    append(writer, 3, 3);
    writer.commit();
    writer.release();
    overwrite(disk, path(1), SECOND, ZEROS);

    writer = startWal(disk);
    commit(writer, 2, 2, 5);
    writer.close();

    const found = scan(disk);
    expect(found.torn).toBeNull();
    expect(extent(found)).toEqual([1, 2]);
    startWal(disk).close();
    expect(extent(scan(disk))).toEqual([1, 2]);
  });
});

describe('nothing is torn', () => {
  test('where the log simply ends, with a mark or without', () => {
    commit(writer, 1, 1);
    expect(scan(disk)).toMatchObject({ torn: null, ends: [{ offset: SECOND, durableOffset: FIRST }] });

    idle(writer);
    expect(scan(disk)).toMatchObject({ torn: null, ends: [{ offset: SECOND, durableOffset: SECOND }] });
  });

  test('where the next segment has its name already, and nothing is in it', () => {
    commit(writer, 1, 1);
    writer.release();
    const file = disk.open(path(2), 'create');
    file.write([encodeSegmentHeader({ sequence: 2, seed: 5, segmentBytes: 4096 })], 0);
    file.truncate(4096);
    file.close();

    expect(scan(disk)).toMatchObject({ torn: null, segments: [{ sequence: 1 }] });
    writer = startWal(disk);
    commit(writer, 2, 2);
    expect(scan(disk)).toMatchObject({ segments: [{ sequence: 1 }, { sequence: 2 }] });
    expect(extent(scan(disk))).toEqual([1, 2]);
  });
});

describe('damage is refused', () => {
  test('in front of a record that was written after the place had been synced', () => {
    commit(writer, 1, 1);
    commit(writer, 2, 2);
    commit(writer, 3, 3);
    writer.release();
    disk.flipBit(path(1), FIRST + 100, 3);

    expect(() => scan(disk)).toThrow(corrupt(path(1), FIRST));
  });

  test('in the header of a record', () => {
    commit(writer, 1, 1);
    commit(writer, 2, 2);
    commit(writer, 3, 3);
    writer.release();
    disk.flipBit(path(1), SECOND + 4, 3);

    expect(() => scan(disk)).toThrow(corrupt(path(1), SECOND));
  });

  test('in the last record, when a mark tells that it was durable', () => {
    commit(writer, 1, 1);
    commit(writer, 2, 2);
    writer.close();
    disk.flipBit(path(1), SECOND + 70, 0);

    expect(() => scan(disk)).toThrow(corrupt(path(1), SECOND));
    expect(() => startWal(disk)).toThrow(corrupt(path(1), SECOND));
  });

  test('in a segment that others follow', () => {
    commit(writer, 1, 1);
    writer.close();
    writer = startWal(disk);
    commit(writer, 2, 2);
    writer.close();
    disk.flipBit(path(1), FIRST + 8, 0);

    expect(() => scan(disk)).toThrow(corrupt(path(1), FIRST));
  });

  test('to the header of a file', () => {
    commit(writer, 1, 1);
    writer.release();
    disk.flipBit(path(1), 20, 0);

    expect(() => scan(disk)).toThrow(corrupt(path(1), 0));
  });

  test.each([0, 40, FIRST, THIRD, 4095])('by which a file is only %i bytes long', (size) => {
    commit(writer, 1, 1);
    commit(writer, 2, 2);
    writer.close();
    disk.truncateFile(path(1), size);

    expect(() => scan(disk)).toThrow(corrupt(path(1)));
  });

  test.each([2, 3])('by which segment %i is missing', (missing) => {
    for (let life = 1; life <= 3; life++) {
      commit(writer, life, life);
      writer.close();
      if (life < 3) writer = startWal(disk);
    }
    disk.remove(path(missing));

    expect(() => scan(disk)).toThrow(corrupt(path(missing), 0));
  });

  test('by which entries are missing, though all records are whole', () => {
    commit(writer, 1, 1);
    commit(writer, 3, 3);

    expect(() => scan(disk)).toThrow(corrupt(path(1), SECOND));
  });

  test('by which a term runs backwards', () => {
    vote(writer, 3);
    vote(writer, 2);
    writer.commit();

    expect(() => scan(disk)).toThrow(corrupt(path(1)));
  });

  test('with a message that says what to do', () => {
    commit(writer, 1, 1);
    writer.release();
    disk.truncateFile(path(1), 0);

    expect(() => scan(disk)).toThrow(
      /0000000000000001\.wal, byte 0: .* To go on, empty the data directory .* a copy of it would do only if the node has promised nothing/,
    );
  });
});

test('what a sync has failed to make durable is written again, for the system may take it for written', () => {
  commit(writer, 1, 1);
  append(writer, 2, 2);
  disk.failAt(disk.operations + 2, 'EIO');
  expect(() => writer.commit()).toThrow(expect.objectContaining({ code: 'ERR_STORAGE' }));
  writer.release();
  const found = extent(scan(disk));

  startWal(disk).release();

  for (let seed = 1; seed <= 20; seed++) expect(extent(scan(disk.afterPowerLoss(seed)))).toEqual(found);
});

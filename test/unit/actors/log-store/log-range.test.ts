/** A range of the log is exactly its entries, in pieces of a bounded size, while the writer goes on. */

import { beforeEach, describe, expect, test } from 'vitest';
import { reachesBackTo, readLogRange } from '../../../../src/actors/log-store/log-range.js';
import type { WalWriter } from '../../../../src/actors/log-store/wal-writer.js';
import { groupId, logIndex, term } from '../../../../src/ids.js';
import { modelSnapshot } from '../../../../src/testing/log-store-model.js';
import type { SimulatedDisk } from '../../../../src/testing/simulated-disk.js';
import {
  append,
  commit,
  corrupt,
  describeEntries,
  DIRECTORY,
  GROUP,
  HEADER_BYTES,
  idle,
  newDisk,
  path,
  startWal,
} from './support/wal.js';

const MIB = 1024 * 1024;

let disk: SimulatedDisk;
let writer: WalWriter;

beforeEach(() => {
  disk = newDisk();
  writer = startWal(disk);
});

function pieces(from: number, to: number): Generator<Uint8Array> {
  return readLogRange(disk, DIRECTORY, GROUP, logIndex(from), logIndex(to));
}

const read = (from: number, to: number): string[] => describeEntries(pieces(from, to));

const range = (inTerm: number, first: number, last: number): string[] =>
  Array.from({ length: last - first + 1 }, (_, i) => `${inTerm}:${first + i}`);

describe('a range', () => {
  test('begins and ends anywhere, within records and across segments', () => {
    for (let i = 0; i < 10; i++) commit(writer, i * 5 + 1, i * 5 + 5, 1, 100);

    for (const [from, to] of [
      [1, 50],
      [1, 1],
      [50, 50],
      [3, 3],
      [5, 6],
      [4, 43],
    ] as const) {
      expect(read(from, to)).toEqual(range(1, from, to));
    }
    expect(read(7, 6)).toEqual([]);
  });

  test('is that of the entries that count, and of one group', () => {
    for (let i = 1; i <= 9; i++) {
      append(writer, i, i, 1, 300);
      append(writer, i, i, 8, 300, groupId(5));
    }
    writer.commit();
    commit(writer, 4, 6, 2);
    commit(writer, 6, 9, 3);

    expect(read(2, 8)).toEqual([...range(1, 2, 3), ...range(2, 4, 5), ...range(3, 6, 8)]);
  });

  test('may lie behind a reset', () => {
    commit(writer, 1, 5);
    writer.reset(GROUP, modelSnapshot(20, 2));
    append(writer, 21, 25, 2);
    writer.commit();

    expect(read(21, 24)).toEqual(range(2, 21, 24));
  });

  test('comes in pieces of a megabyte that are buffers of their own, and a larger entry in one of its size', () => {
    commit(writer, 1, 12, 1, 200_000);
    commit(writer, 13, 13, 1, 2 * MIB);
    for (let i = 14; i <= 20; i++) commit(writer, i, i, 1, 50_000);

    const all = [...pieces(1, 20)];

    expect(describeEntries(all)).toEqual(range(1, 1, 20));
    const sizes = all.map(({ length }) => length);
    expect(sizes.filter((size) => size > MIB)).toEqual([2 * MIB + 40]);
    expect(sizes.length).toBeLessThan(8);
    expect(all.every(({ length, buffer }) => buffer.byteLength === length)).toBe(true);
  });

  test('is read again and again while the writer appends, rolls, is torn and marks behind it', () => {
    commit(writer, 1, 10, 1, 100);
    for (let i = 11; i <= 60; i++) {
      commit(writer, i, i, 1, 300);
      expect(read(3, 10)).toEqual(range(1, 3, 10));
      writer.idle();
      expect(read(3, i)).toEqual(range(1, 3, i));
    }
    append(writer, 61, 61);
    disk.failAt(disk.operations + 1, 'EIO');
    expect(() => writer.commit()).toThrow('EIO');

    expect(read(55, 60)).toEqual(range(1, 55, 60));
  });

  test('does not mind that segments before it are dropped, in the middle of reading as well', () => {
    for (let i = 1; i <= 60; i++) commit(writer, i, i, 1, 300);
    const reading = pieces(40, 60);

    writer.drop(GROUP, logIndex(39));
    writer.idle();

    expect(describeEntries(reading)).toEqual(range(1, 40, 60));
    idle(writer);
    expect(read(40, 60)).toEqual(range(1, 40, 60));
  });

  test('does not mind a segment that is dropped between its listing and its opening', () => {
    for (let i = 1; i <= 60; i++) commit(writer, i, i, 1, 300);
    const list = disk.list(DIRECTORY);
    writer.drop(GROUP, logIndex(39));
    idle(writer);
    const late = Object.assign(Object.create(disk) as SimulatedDisk, { list: () => list });
    for (const method of ['open', 'exists'] as const) Object.assign(late, { [method]: disk[method].bind(disk) });

    expect(describeEntries(readLogRange(late, DIRECTORY, GROUP, logIndex(40), logIndex(60)))).toEqual(range(1, 40, 60));
  });
});

test('how far back a log reaches is told by its first entry, or by what it has begun anew behind', () => {
  const reached = (...indexes: number[]): boolean[] =>
    indexes.map((index) => reachesBackTo(disk, DIRECTORY, GROUP, logIndex(index)));
  expect(reached(0, 1)).toEqual([false, true]);

  commit(writer, 1, 9);
  expect(reached(0, 5)).toEqual([true, true]);

  writer.reset(GROUP, { index: logIndex(20), term: term(1), timestampMs: 0 });
  writer.commit();
  expect(reached(0, 9, 19, 20, 21)).toEqual([false, false, false, true, true]);
});

describe('what is refused', () => {
  test.each([
    [0, 3],
    [8, 11],
    [12, 13],
  ])('is a range that is not there: %i to %i', (from, to) => {
    commit(writer, 1, 10);

    expect(() => read(from, to)).toThrow(corrupt(DIRECTORY));
  });

  test('is an entry whose bytes are not what they were', () => {
    commit(writer, 1, 1);
    commit(writer, 2, 2);
    disk.flipBit(path(1), HEADER_BYTES + 99, 1);

    expect(read(2, 2)).toEqual(['1:2']);
    expect(() => read(1, 2)).toThrow(corrupt(path(1), HEADER_BYTES));
  });

  test('leaves no file open, nor does a reader who stops early', () => {
    for (let i = 1; i <= 3; i++) commit(writer, i, i, 1, MIB);
    const before = disk.openFiles;

    expect(() => read(2, 20)).toThrow(corrupt(DIRECTORY));
    for (const piece of pieces(1, 3)) if (piece.length > 0) break;

    expect(disk.openFiles).toBe(before);
  });
});

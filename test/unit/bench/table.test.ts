import { deflateRawSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { keyOf, Table, valueOf, type ValueKind } from '../../../bench/storage/table.js';

const KINDS: readonly ValueKind[] = ['text', 'record', 'noise'];

describe('the values of the table', () => {
  test.each(KINDS)('%s: the same for the same number, another for each other one', (kind) => {
    const values = Array.from({ length: 1000 }, (_, index) => valueOf(kind, index, 100));

    expect(valueOf(kind, 7, 100)).toEqual(values[7]);
    expect(new Set(values.map(String)).size).toBe(1000);
  });

  test.each([
    ['text', 10],
    ['record', 1000],
    ['noise', 1000],
  ] as const)('%s has %i bytes', (kind, bytes) => {
    for (const number of [0, 1, 999_999, 2 ** 31]) expect(valueOf(kind, number, 1000)).toHaveLength(bytes);
    expect(keyOf(123)).toHaveLength(10);
  });

  test('noise cannot be compressed, records can', () => {
    const sizeOf = (kind: ValueKind): number => {
      const values = Array.from({ length: 100 }, (_, index) => Buffer.from(valueOf(kind, index, 1000) as string));
      return deflateRawSync(Buffer.concat(values)).length;
    };

    expect(sizeOf('noise')).toBeGreaterThan(99_000);
    expect(sizeOf('record')).toBeLessThan(50_000);
  });
});

describe('the digest of a table', () => {
  function filled(): Table {
    const table = new Table();
    table.fill(0, 50, 'text', 10);
    table.fill(50, 50, 'noise', 100);
    return table;
  }

  test('is the same for the same entries', () => {
    expect(filled().digest()).toEqual(filled().digest());
    expect(filled().digest()).toMatchObject({ size: 100, changes: 0 });
  });

  test('changes with each change of a value', () => {
    const table = filled();

    table.set(keyOf(99), valueOf('noise', 0, 100));

    expect(table.digest().changes).toBe(1);
    expect(table.digest().hash).not.toBe(filled().digest().hash);
  });
});

import { describe, expect, test } from 'vitest';
import { rowsOf, type Row } from '../../../bench/matrix.js';

const sizeOf = (row: Row): number => ('entries' in row ? row.entries : 0);

describe('the rows', () => {
  test.each([true, false])('have names of their own, which say where the log is (quick: %s)', (isQuick) => {
    const rows = rowsOf({ isQuick });

    expect(new Set(rows.map(({ name }) => name)).size).toBe(rows.length);
    for (const { name, durable } of rows) expect(name.endsWith(', on disk')).toBe(durable);
  });

  test('are the same in a quick run, with a tenth of the entries', () => {
    const [quick, full] = [rowsOf({ isQuick: true }), rowsOf({ isQuick: false })];

    expect(quick.map(({ kind }) => kind)).toEqual(full.map(({ kind }) => kind));
    expect(quick.map(sizeOf)).toEqual(full.map((row) => sizeOf(row) / 10));
  });
});

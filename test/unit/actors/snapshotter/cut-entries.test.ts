import { expect, test } from 'vitest';
import { cutEntries } from '../../../../src/actors/snapshotter/cut-entries.js';
import { block, entriesOf, type EntryLike } from '../replicated/support/blocks.js';

const entry = (bytes: number): EntryLike => block(new ArrayBuffer(bytes));
const lengths = (entries: Uint8Array, bytes: number): number[] =>
  [...cutEntries(entries, bytes)].map(({ length }) => length);

test('pieces are whole entries, and all of them together', () => {
  const entries = entriesOf(1, [entry(60), entry(60), entry(60), entry(60), entry(60)]);

  expect(lengths(entries, 150)).toEqual([200, 200, 100]);
  expect(Buffer.concat([...cutEntries(entries, 150)])).toEqual(Buffer.from(entries));
});

test('an entry that is larger is a piece of its own', () => {
  expect(lengths(entriesOf(1, [entry(960), entry(60), entry(960)]), 100)).toEqual([1_000, 100, 1_000]);
});

test('nothing is cut into nothing', () => {
  expect(lengths(new Uint8Array(0), 100)).toEqual([]);
});

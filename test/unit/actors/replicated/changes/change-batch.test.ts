/** Changes come out of a batch as they went in, whatever their shapes. */

import { expect, it } from 'vitest';
import { ArrayWriter } from '../../../../../src/actors/replicated/array-writer.js';
import {
  decodeChange,
  decodeChanges,
  encodeChange,
} from '../../../../../src/actors/replicated/changes/change-batch.js';
import { ChangeShapes } from '../../../../../src/actors/replicated/changes/change-shapes.js';
import { ValueCodec } from '../../../../../src/actors/replicated/value-codec.js';

const codec = new ValueCodec();

const CHANGES: readonly unknown[] = [
  { type: 'set', value: 2, previous: 1 },
  { type: 'set', key: 'a', value: 1 },
  { type: 'set', key: 'a', value: 2, previous: 1 },
  { type: 'delete', key: 'a', previous: 2 },
  { type: 'clear' },
  { type: 'add', value: 'x' },
  { type: 'put', item: null },
  { type: 'set', index: 3, value: 'b', previous: 'a' },
  { type: 'splice', index: 0, removed: [1], added: [2, 3] },
  { type: 'set', key: 'b', value: { deep: [1] }, previous: 'not a scalar before it' },
  // What looks like one of those above, and is not.
  { type: 'set', 'key,value': 7 },
  { key: 'a', type: 'set', value: 1 },
  { type: 4, value: 5 },
  { value: 1 },
  Object.fromEntries(Array.from({ length: 16 }, (_, i) => [`name${i}`, i])),
  'no object',
  { type: 'set', key: 'a', value: 3, previous: 2 },
];

it('gives changes back with the same properties in the same order', () => {
  const shapes = new ChangeShapes();
  const writer = new ArrayWriter();
  const singly: unknown[] = [];
  for (const change of CHANGES) {
    const items = encodeChange(change, shapes, codec);
    const encoded = new Uint8Array(items.itemsByteLength);
    items.copyItems(encoded, 0);
    writer.add(encoded);
    singly.push(decodeChange(encoded, shapes.all, codec));
  }
  const places = new Float64Array(3 * CHANGES.length);

  const decoded = decodeChanges(
    { places, shapes: shapes.all, changes: writer.finish(2 * CHANGES.length).slice() },
    codec,
  );

  // Texts tell also in which order properties are.
  expect(decoded.map((change) => JSON.stringify(change))).toEqual(CHANGES.map((change) => JSON.stringify(change)));
  expect(singly).toEqual(decoded);
});

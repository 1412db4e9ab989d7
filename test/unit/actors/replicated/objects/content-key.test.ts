/** When values are the same to the ready-made objects: both answers to it. */

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { contentKey } from '../../../../../src/actors/replicated/objects/content-key.js';
import { isSameContent } from '../../../../../src/actors/replicated/objects/same-content.js';
import { copyOf } from './support/histories.js';
import { anyValue, kindOf, KINDS } from './support/values.js';

/** As Map compares keys. */
function isSameKey(a: unknown, b: unknown): boolean {
  return new Map([[contentKey(a), 1]]).has(contentKey(b));
}

test('values are the same exactly within their kind', () => {
  const values = KINDS.flat();
  for (const a of values) {
    for (const b of values) {
      const isSame = kindOf(a) === kindOf(b);
      expect({ a, b, isSame: isSameContent(a, b) }).toEqual({ a, b, isSame });
      expect({ a, b, isSame: isSameKey(a, b) }).toEqual({ a, b, isSame });
    }
  }
});

test('a value is the same after it has travelled', () => {
  for (const value of KINDS.flat()) {
    expect(isSameContent(copyOf(value), value)).toBe(true);
    expect(isSameKey(copyOf(value), value)).toBe(true);
  }
});

test('both answers agree on values of values', () => {
  const nested = fc.oneof(
    fc.array(anyValue, { maxLength: 2 }),
    fc.dictionary(fc.constantFrom('a', 'b'), anyValue),
    fc.array(fc.tuple(anyValue, anyValue), { maxLength: 2 }).map((entries) => new Map(entries)),
    fc.array(anyValue, { maxLength: 2 }).map((items) => new Set(items)),
  );

  fc.assert(
    fc.property(nested, nested, (a, b) => {
      expect(isSameContent(a, b)).toBe(isSameKey(a, b));
      expect(isSameContent(a, copyOf(a))).toBe(true);
    }),
    { numRuns: 2_000 },
  );
});

test('a primitive is its own key, but for strings that look like the key of something else', () => {
  const values = ['a', '', 5, -1n, true, null, undefined];

  expect(values.map(contentKey)).toEqual(values);
  expect(contentKey('\0a')).not.toBe('\0a');
});

/** ValueDecoder beside the decoder of the library whose form it reads. */

import { decode as decodeByLibrary, encode } from '@msgpack/msgpack';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ValueDecoder } from '../../../../src/actors/replicated/value-decoder.js';

const decoder = new ValueDecoder();

function expectSame(value: unknown): void {
  const bytes = encode(value);
  // Where the bytes do not start at the start of their memory, as in a block.
  const within = new Uint8Array(bytes.length + 7);
  within.set(bytes, 3);

  expect(decoder.decode(bytes)).toEqual(decodeByLibrary(bytes));
  expect(decoder.decode(within.subarray(3, 3 + bytes.length))).toEqual(value);
}

describe('reads what the library writes', () => {
  test('numbers on both sides of each form', () => {
    for (const power of [5, 7, 8, 15, 16, 31, 32, 52]) {
      for (const offset of [-1, 0, 1]) expectSame([2 ** power + offset, -(2 ** power) + offset]);
    }
    expectSame([0, 0.1, -0.5, Infinity, -Infinity, Number.NaN, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER]);
  });

  test('strings of every length on both sides of each form', () => {
    const lengths = [...Array.from({ length: 70 }, (_, length) => length), 255, 256, 65_535, 65_536];
    for (const length of lengths) {
      const ascii = Array.from({ length }, (_, index) => String.fromCharCode(32 + ((index * 7) % 95))).join('');
      expectSame([ascii, `${ascii}ä`, `漢${ascii}`, `${ascii}😀${ascii}`, { [ascii]: ascii }]);
    }
  });

  test('lists and objects on both sides of each form', () => {
    for (const length of [0, 1, 15, 16, 65_535, 65_536]) {
      expectSame(Array.from({ length }, (_, index) => index));
      expectSame(Object.fromEntries(Array.from({ length }, (_, index) => [`k${index}`, index])));
    }
  });

  test('any JSON', () => {
    fc.assert(
      fc.property(
        fc.jsonValue().filter((value) => !JSON.stringify(value).includes('__proto__')),
        (value) => {
          expect(decoder.decode(encode(value))).toEqual(decodeByLibrary(encode(value)));
        },
      ),
      { numRuns: 1_000 },
    );
  });
});

test('can be used again after it has refused something', () => {
  expect(() => decoder.decode(encode(JSON.parse('{"__proto__":1}')))).toThrow(RangeError);

  expect(decoder.decode(encode([1, 'a']))).toEqual([1, 'a']);
});

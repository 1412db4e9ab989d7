import { crc32 as zlibCrc32 } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { crc32, crc32Between } from '../../src/checksum.js';

test('is the checksum of gzip, whole, continued or of a part, for few bytes and for many', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(300), fc.nat(300), (bytes, a, b) => {
      const [from, to] = [Math.min(a, b, bytes.length), Math.min(Math.max(a, b), bytes.length)];
      const expected = zlibCrc32(bytes.subarray(from, to));
      expect(crc32Between(bytes, from, to)).toBe(expected);
      // zlib itself forgets where it is to go on when there is nothing to go on with.
      if (to > from) expect(crc32Between(bytes, from, to, 12_345)).toBe(zlibCrc32(bytes.subarray(from, to), 12_345));
      expect(crc32(bytes.subarray(from, to))).toBe(expected);
      expect(crc32(bytes.subarray(from), crc32(bytes.subarray(0, from)))).toBe(zlibCrc32(bytes));
    }),
  );
});

test('of nothing is 0', () => {
  expect(crc32Between(new Uint8Array(3), 1, 1)).toBe(0);
});

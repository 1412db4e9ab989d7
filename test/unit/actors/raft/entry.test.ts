/** What is written is read back, and whatever else the bytes are, reading them ends in time and within them. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  encodeEntryInto,
  ENTRY_HEADER_BYTES,
  entryBytes,
  EntryKind,
  EntryReader,
} from '../../../../src/actors/raft/entry.js';
import { crc32 } from '../../../../src/checksum.js';
import { ConclaveError } from '../../../../src/errors.js';
import { logIndex, term } from '../../../../src/ids.js';
import { contentOf } from './content.js';

const PAYLOAD = Uint8Array.of(1, 2, 3);
const TIMESTAMP_MS = 1_700_000_000_000.5;

function encoded(payload: Uint8Array, kind: EntryKind = EntryKind.block): Uint8Array {
  const bytes = new Uint8Array(entryBytes(payload.length));
  encodeEntryInto(bytes, new DataView(bytes.buffer), 0, contentOf(kind, payload), term(7), logIndex(42), TIMESTAMP_MS);
  return bytes;
}

function readerOf(bytes: Uint8Array): EntryReader {
  const reader = new EntryReader();
  reader.reset(bytes);
  return reader;
}

/** Takes malformed bytes for the end. */
function nextOrEnd(reader: EntryReader): boolean {
  try {
    return reader.next();
  } catch (error) {
    if (error instanceof ConclaveError && error.code === 'ERR_PROTOCOL') return false;
    throw error;
  }
}

const malformed = expect.objectContaining({ code: 'ERR_PROTOCOL' });

describe('the binary form', () => {
  test('is the documented one', () => {
    const bytes = encoded(PAYLOAD);

    const view = new DataView(bytes.buffer);
    expect(bytes.length).toBe(ENTRY_HEADER_BYTES + 3);
    expect(view.getUint32(0, true)).toBe(3);
    expect([...bytes.subarray(4, 8)]).toEqual([EntryKind.block, 0, 0, 0]);
    expect(view.getFloat64(8, true)).toBe(7);
    expect(view.getFloat64(16, true)).toBe(42);
    expect(view.getFloat64(24, true)).toBe(TIMESTAMP_MS);
    expect(view.getUint32(32, true)).toBe(crc32(PAYLOAD));
    expect(view.getUint32(36, true)).toBe(crc32(bytes.subarray(0, 36)));
    expect([...bytes.subarray(40)]).toEqual([1, 2, 3]);
  });

  test('overwrites what was in the target and nothing around it', () => {
    const target = new Uint8Array(entryBytes(3) + 2).fill(0xff);

    const end = encodeEntryInto(
      target,
      new DataView(target.buffer),
      1,
      contentOf(EntryKind.noop, PAYLOAD),
      term(7),
      logIndex(1),
      0,
    );

    expect(end).toBe(target.length - 1);
    expect([target[0], target.at(-1)]).toEqual([0xff, 0xff]);
    expect([...target.subarray(5, 9)]).toEqual([0, 0, 0, 0]);
  });
});

describe('EntryReader', () => {
  test('reads what was written, in order, then says that there is no more', () => {
    const entryArbitrary = fc.record({
      kind: fc.constantFrom(...Object.values(EntryKind)),
      term: fc.maxSafeNat(),
      index: fc.maxSafeNat(),
      timestampMs: fc.double({ min: 0, noNaN: true }),
      payload: fc.uint8Array({ maxLength: 40 }),
    });
    fc.assert(
      fc.property(fc.array(entryArbitrary), fc.nat(9), (entries, shift) => {
        const total = entries.reduce((sum, { payload }) => sum + entryBytes(payload.length), 0);
        const bytes = new Uint8Array(new ArrayBuffer(total + shift), shift);
        const view = new DataView(bytes.buffer, shift);
        let offset = 0;
        for (const e of entries) {
          offset = encodeEntryInto(
            bytes,
            view,
            offset,
            contentOf(e.kind, e.payload),
            term(e.term),
            logIndex(e.index),
            e.timestampMs,
          );
        }

        const reader = readerOf(bytes);
        const read = [];
        while (reader.next()) {
          const { kind, term: entryTerm, index, timestampMs, payloadStart, payloadEnd } = reader;
          read.push({ kind, term: entryTerm, index, timestampMs, payload: bytes.slice(payloadStart, payloadEnd) });
        }

        expect(read).toEqual(entries);
        expect(reader.next()).toBe(false);
      }),
    );
  });

  test('tells header from payload where an entry is damaged, and nothing where it is not', () => {
    const bytes = new Uint8Array([...encoded(PAYLOAD), ...encoded(PAYLOAD)]);
    const damageWith = (at: number): (string | null)[] => {
      const damaged = bytes.slice();
      damaged[at]! ^= 1;
      const reader = readerOf(damaged);
      const found: (string | null)[] = [];
      while (reader.next()) found.push(reader.damage);
      return found;
    };
    const { length } = encoded(PAYLOAD);

    expect(damageWith(10)).toEqual(['header', null]);
    expect(damageWith(length + 38)).toEqual([null, 'header']);
    expect(damageWith(length + 42)).toEqual([null, 'payload']);
    // What the payload's checksum should be is part of the header.
    expect(damageWith(33)).toEqual(['header', null]);
  });

  test('starts over when reset in the middle', () => {
    const reader = readerOf(encoded(PAYLOAD));
    reader.next();

    reader.reset(encoded(new Uint8Array(0), EntryKind.noop));

    expect(reader.next()).toBe(true);
    expect(reader.kind).toBe(EntryKind.noop);
    expect(reader.next()).toBe(false);
  });

  test('refuses an entry cut off anywhere', () => {
    const bytes = encoded(PAYLOAD);
    for (let length = 1; length < bytes.length; length++) {
      const reader = readerOf(bytes.subarray(0, length));
      expect(() => reader.next(), `${length} bytes`).toThrow(malformed);
    }
  });

  test('refuses an entry that ends behind the bytes given, even if the buffer goes on', () => {
    const bytes = encoded(PAYLOAD);
    bytes[3] = 0xff;
    expect(() => readerOf(bytes).next()).toThrow(malformed);
  });

  test.each([4, 5, 6, 7])('refuses an unknown kind or a stray bit in byte %i', (offset) => {
    const bytes = encoded(PAYLOAD);
    bytes[offset] = 5;
    expect(() => readerOf(bytes).next()).toThrow(malformed);
  });

  test('goes on refusing after it has refused', () => {
    const reader = readerOf(new Uint8Array(5));
    expect(() => reader.next()).toThrow(malformed);
    expect(() => reader.next()).toThrow(malformed);
  });

  test('ends on any bytes, and never points outside of them', () => {
    const mutated = fc
      .tuple(fc.uint8Array({ maxLength: 80 }), fc.array(fc.tuple(fc.nat(200), fc.nat(255))))
      .map(([tail, changes]) => {
        const entry = encoded(PAYLOAD);
        const bytes = new Uint8Array([...entry, ...entry, ...tail]);
        for (const [at, value] of changes) bytes[at % bytes.length] = value;
        return bytes;
      });
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 400 }), mutated), (bytes) => {
        const reader = readerOf(bytes);
        let count = 0;
        let end = 0;
        while (nextOrEnd(reader)) {
          expect(reader.payloadStart).toBe(end + ENTRY_HEADER_BYTES);
          expect(reader.payloadEnd).toBeGreaterThanOrEqual(reader.payloadStart);
          expect(reader.payloadEnd).toBeLessThanOrEqual(bytes.length);
          end = reader.payloadEnd;
          count++;
        }
        expect(count).toBeLessThanOrEqual(bytes.length / ENTRY_HEADER_BYTES);
      }),
      { numRuns: 1000 },
    );
  });
});

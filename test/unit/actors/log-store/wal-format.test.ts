/** The bytes that segments and records begin with are the documented ones, and nothing else passes for them. */

import { describe, expect, test } from 'vitest';
import {
  decodeSegmentHeader,
  encodeSegmentHeader,
  isLeftover,
  leftoverPath,
  SEGMENT_HEADER_BYTES,
  segmentPath,
  sequenceOf,
} from '../../../../src/actors/log-store/wal-format.js';
import {
  decodeRecordHeader,
  emptyRecordHeader,
  encodeRecordHeader,
  RECORD_HEADER_BYTES,
  recordBytes,
  RecordType,
  type RecordHeader,
} from '../../../../src/actors/log-store/wal-record.js';
import { crc32 } from '../../../../src/checksum.js';
import { groupId } from '../../../../src/ids.js';
import { corrupt } from './support/wal.js';

const HEADER = { sequence: 0x1234, seed: 0xdeadbeef, segmentBytes: 64 * 1024 * 1024 };
const PATH = '/log/0000000000001234.wal';

describe('a segment', () => {
  test('has a name that tells its sequence', () => {
    expect(segmentPath('/log', 0x1234)).toBe(PATH);
    expect(sequenceOf('0000000000001234.wal')).toBe(0x1234);
    expect(leftoverPath('/log', 0x1234)).toBe('/log/0000000000001234.tmp');
    expect(isLeftover('0000000000001234.tmp')).toBe(true);
  });

  test.each(['0000000000001234.tmp', '1234.wal', 'LOCK', '0000000000001234.wal.bak', '000000000000123G.wal'])(
    '%s is none',
    (name) => expect(sequenceOf(name)).toBeNull(),
  );

  test('has a header that is read as it was written', () => {
    const bytes = encodeSegmentHeader(HEADER);

    expect(bytes.length).toBe(SEGMENT_HEADER_BYTES);
    expect(new TextDecoder().decode(bytes.subarray(0, 8))).toBe('CONCLWAL');
    expect(decodeSegmentHeader(bytes, PATH, HEADER.sequence)).toEqual(HEADER);
  });

  test('is refused with any bit of its header turned around', () => {
    for (let bit = 0; bit < SEGMENT_HEADER_BYTES * 8; bit++) {
      const bytes = encodeSegmentHeader(HEADER);
      bytes[bit >> 3]! ^= 1 << (bit & 7);
      expect(() => decodeSegmentHeader(bytes, PATH, HEADER.sequence), `bit ${bit}`).toThrow(corrupt(PATH, 0));
    }
  });

  test('is refused when its header is cut off, or belongs to another name', () => {
    const bytes = encodeSegmentHeader(HEADER);

    expect(() => decodeSegmentHeader(bytes.subarray(0, 63), PATH, HEADER.sequence)).toThrow(corrupt(PATH, 0));
    expect(() => decodeSegmentHeader(bytes, PATH, 7)).toThrow(corrupt(PATH));
  });

  test('of a newer version is refused for what it is', () => {
    const bytes = encodeSegmentHeader(HEADER);
    const view = new DataView(bytes.buffer);
    view.setUint32(8, 2, true);
    view.setUint32(60, crc32(bytes.subarray(0, 60)), true);

    expect(() => decodeSegmentHeader(bytes, PATH, HEADER.sequence)).toThrow(
      expect.objectContaining({
        code: 'ERR_DATA_DIR_MISMATCH',
        data: { path: PATH, version: 2, versionMax: 1 },
      }),
    );
  });
});

describe('a record', () => {
  const record: RecordHeader = {
    type: RecordType.entries,
    payloadBytes: 77,
    group: groupId(3),
    firstIndex: 2 ** 40,
    lastIndex: 2 ** 40 + 9,
    term: 12,
    durableOffset: 2 ** 33,
    payloadCrc: 0xffffffff,
  };

  function encoded(seed: number): { bytes: Uint8Array; view: DataView } {
    const bytes = new Uint8Array(RECORD_HEADER_BYTES + 8);
    const view = new DataView(bytes.buffer);
    encodeRecordHeader(bytes, view, 8, record, seed);
    return { bytes, view };
  }

  test('has a header that is read as it was written', () => {
    const { bytes, view } = encoded(99);
    const into = emptyRecordHeader();

    expect(decodeRecordHeader(bytes, view, 8, 99, into)).toBe(true);
    expect(into).toEqual(record);
  });

  test('of another segment is none, nor is one that is cut off or has any bit turned around', () => {
    const { bytes, view } = encoded(99);
    const into = emptyRecordHeader();

    expect(decodeRecordHeader(bytes, view, 8, 98, into)).toBe(false);
    expect(decodeRecordHeader(bytes, view, 9, 99, into)).toBe(false);
    for (let bit = 64; bit < bytes.length * 8; bit++) {
      bytes[bit >> 3]! ^= 1 << (bit & 7);
      expect(decodeRecordHeader(bytes, view, 8, 99, into), `bit ${bit}`).toBe(false);
      bytes[bit >> 3]! ^= 1 << (bit & 7);
    }
    expect(into).toEqual(emptyRecordHeader());
  });

  test.each([
    [0, 56],
    [1, 64],
    [8, 64],
    [9, 72],
  ])('with a payload of %i bytes takes %i', (payloadBytes, bytes) => expect(recordBytes(payloadBytes)).toBe(bytes));
});

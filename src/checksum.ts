/**
 * The checksum that entries, records and snapshots carry: CRC-32 as in gzip. A pure function, so that the consensus
 * core may use it too.
 */

import { crc32 as zlibCrc32 } from 'node:zlib';

/** Below this, calling into zlib costs more than the checksum itself. */
const SMALL_BYTES = 64;

const POLYNOMIAL = 0xedb8_8320;

/** What each value of a byte does to the checksum. */
const TABLE = Int32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 0 ? crc >>> 1 : (crc >>> 1) ^ POLYNOMIAL;
  return crc;
});

/**
 * The CRC-32 of some bytes: a whole number from 0 to 2^32 - 1. To go on where another checksum has ended, pass that one
 * as `start`.
 */
export function crc32(bytes: Uint8Array, start = 0): number {
  return zlibCrc32(bytes, start);
}

/** The CRC-32 of the bytes at `[from, to)`; the same as of a view of them, and cheaper where there are few. */
export function crc32Between(bytes: Uint8Array, from: number, to: number, start = 0): number {
  if (to - from > SMALL_BYTES) return zlibCrc32(bytes.subarray(from, to), start);
  let crc = ~start;
  for (let i = from; i < to; i++) crc = TABLE[(crc ^ bytes[i]!) & 0xff]! ^ (crc >>> 8);
  return ~crc >>> 0;
}

/**
 * The checksum that entries, records and snapshots carry: CRC-32 as in gzip. A pure function, so that the consensus
 * core may use it too.
 */

import { crc32 as zlibCrc32 } from 'node:zlib';

/**
 * The CRC-32 of some bytes: a whole number from 0 to 2^32 - 1. To go on where another checksum has ended, pass that one
 * as `start`.
 */
export function crc32(bytes: Uint8Array, start = 0): number {
  return zlibCrc32(bytes, start);
}

/**
 * The files of the write-ahead log: their names, and the header that each begins with. Pure; what lies behind the
 * header is told by wal-record.ts. The header's place, size and checksum are the same in every version to come.
 *
 *   offset  size  field
 *        0     8  magic, "CONCLWAL"
 *        8     4  version, little-endian like all that follows
 *       12     4  seed, random: the checksums of this segment's records start from it
 *       16     8  sequence      (float64, a whole number)
 *       24     8  segmentBytes  (float64): the size of the file until it is shrunk to its `end` record
 *       32    28  zero
 *       60     4  CRC-32 of the 60 bytes before
 */

import { crc32 } from '../../checksum.js';
import { ConclaveError } from '../../errors.js';
import { JOIN_ANEW } from '../../storage/join-anew.js';
import { writtenByNewer } from '../../storage/written-by-newer.js';

export const SEGMENT_HEADER_BYTES = 64;
const VERSION = 1;
const MAGIC = new TextEncoder().encode('CONCLWAL');
const VERSION_OFFSET = 8;
const SEED_OFFSET = 12;
const SEQUENCE_OFFSET = 16;
const SEGMENT_BYTES_OFFSET = 24;
const CRC_OFFSET = 60;

const NAME = /^([0-9a-f]{16})\.wal$/;
const LEFTOVER = /^[0-9a-f]{16}\.tmp$/;

export interface SegmentHeader {
  /**
   * Counts the segments of a directory, without gaps. The first that is there need not be 1: older ones were dropped.
   */
  readonly sequence: number;
  readonly seed: number;
  readonly segmentBytes: number;
}

/** Where a segment lies. */
export function segmentPath(directory: string, sequence: number): string {
  return `${directory}/${hex(sequence)}.wal`;
}

/** Where a segment lies while it is being made, or being removed. */
export function leftoverPath(directory: string, sequence: number): string {
  return `${directory}/${hex(sequence)}.tmp`;
}

/** The sequence that a file's name tells; null: it is no segment. */
export function sequenceOf(name: string): number | null {
  const digits = NAME.exec(name)?.[1];
  return digits === undefined ? null : Number.parseInt(digits, 16);
}

/** Is this a file that was being made or removed? Nothing of value is in it. */
export function isLeftover(name: string): boolean {
  return LEFTOVER.test(name);
}

export function encodeSegmentHeader({ sequence, seed, segmentBytes }: SegmentHeader): Uint8Array {
  const bytes = new Uint8Array(SEGMENT_HEADER_BYTES);
  const view = new DataView(bytes.buffer);
  bytes.set(MAGIC);
  view.setUint32(VERSION_OFFSET, VERSION, true);
  view.setUint32(SEED_OFFSET, seed, true);
  view.setFloat64(SEQUENCE_OFFSET, sequence, true);
  view.setFloat64(SEGMENT_BYTES_OFFSET, segmentBytes, true);
  view.setUint32(CRC_OFFSET, crc32(bytes.subarray(0, CRC_OFFSET)), true);
  return bytes;
}

/**
 * Reads the first bytes of the file at `path`, which by its name is this segment.
 *
 * @throws ConclaveError `ERR_STORAGE_CORRUPT`: a segment's header is durable before the file gets its name, so that no
 *   crash damages it; `ERR_DATA_DIR_MISMATCH` when a newer version wrote it.
 */
export function decodeSegmentHeader(bytes: Uint8Array, path: string, sequence: number): SegmentHeader {
  if (bytes.length < SEGMENT_HEADER_BYTES) throw walCorrupt(path, 0, 'the header of the file is cut off');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const isWhole =
    MAGIC.every((byte, i) => bytes[i] === byte) &&
    crc32(bytes.subarray(0, CRC_OFFSET)) === view.getUint32(CRC_OFFSET, true);
  if (!isWhole) throw walCorrupt(path, 0, 'the header of the file is damaged');
  const version = view.getUint32(VERSION_OFFSET, true);
  if (version > VERSION) {
    throw writtenByNewer({ what: `The log's file ${path}`, path, version, versionMax: VERSION });
  }
  if (view.getFloat64(SEQUENCE_OFFSET, true) !== sequence) {
    throw walCorrupt(path, SEQUENCE_OFFSET, 'the file belongs to another place in the log than its name says');
  }
  const seed = view.getUint32(SEED_OFFSET, true);
  return { sequence, seed, segmentBytes: view.getFloat64(SEGMENT_BYTES_OFFSET, true) };
}

/**
 * The error for a log that is not what was made durable: `what` is wrong at the byte `offset` of the file at `path`.
 */
export function walCorrupt(path: string, offset: number, what: string): ConclaveError {
  return new ConclaveError(
    'ERR_STORAGE_CORRUPT',
    `The log is damaged: ${path}, byte ${offset}: ${what}. Nothing was changed. To go on, ${JOIN_ANEW}`,
    { data: { path, offset } },
  );
}

function hex(sequence: number): string {
  return sequence.toString(16).padStart(16, '0');
}

/**
 * The records that follow a segment's header, each at a multiple of 8 bytes: a header with a checksum, then a payload,
 * then zeros up to the next multiple. Pure. Entries carry checksums of their own, made where the entry was made, so
 * that a record of entries is written without a second look at them.
 *
 *   offset  size  field
 *        0     4  type and magic, little-endian like all that follows
 *        4     4  payload length in bytes
 *        8     8  group          (float64, a whole number, like the next four)
 *       16     8  firstIndex
 *       24     8  lastIndex
 *       32     8  term
 *       40     8  durableOffset
 *       48     4  CRC-32 of the payload; 0 for entries
 *       52     4  CRC-32 of the 52 bytes before, starting from the segment's seed
 *       56     …  payload
 */

import { crc32Between } from '../../checksum.js';
import { groupId, type GroupId } from '../../ids.js';

export const RECORD_HEADER_BYTES = 56;

/** What a record says; the number is its form on disk, and is never given to another one. */
export const RecordType = {
  /** Term (`term`) and vote (the payload; empty: none) of the group. */
  hardState: 1,
  /** The payload is the entries from `firstIndex` to `lastIndex`; they replace what was at `firstIndex` and behind. */
  entries: 2,
  /** The group's log is empty and begins behind `lastIndex`, whose term is `term`; the payload is its timestamp. */
  reset: 3,
  /** Nothing follows in this segment, and another segment exists. */
  end: 4,
  /** Nothing follows yet. The next record takes its place; until then it tells how much is durable. */
  mark: 5,
} as const;
export type RecordType = (typeof RecordType)[keyof typeof RecordType];

/** The upper bytes of the first field: what tells a header from other bytes at the first look. */
const MAGIC = 0xc14a1700;
const TYPE_MAX = RecordType.mark;

const LENGTH_OFFSET = 4;
const GROUP_OFFSET = 8;
const FIRST_INDEX_OFFSET = 16;
const LAST_INDEX_OFFSET = 24;
const TERM_OFFSET = 32;
const DURABLE_OFFSET = 40;
const PAYLOAD_CRC_OFFSET = 48;
const HEADER_CRC_OFFSET = 52;

/** What a record is about. */
export interface RecordSubject {
  type: RecordType;
  group: GroupId;
  firstIndex: number;
  lastIndex: number;
  term: number;
}

/** The header of a record. */
export interface RecordHeader extends RecordSubject {
  payloadBytes: number;
  /** When this record was written, all bytes of the segment before this offset had been synced. */
  durableOffset: number;
  payloadCrc: number;
}

/** A header to decode into, again and again. */
export function emptyRecordHeader(): RecordHeader {
  return {
    type: RecordType.mark,
    payloadBytes: 0,
    group: groupId(0),
    firstIndex: 0,
    lastIndex: 0,
    term: 0,
    durableOffset: 0,
    payloadCrc: 0,
  };
}

/** The bytes that a record with a payload of this size takes, up to where the next one begins. */
export function recordBytes(payloadBytes: number): number {
  return RECORD_HEADER_BYTES + Math.ceil(payloadBytes / 8) * 8;
}

/** Writes a header at `offset`. `view` must be a view of exactly the bytes of `target`. */
export function encodeRecordHeader(
  target: Uint8Array,
  view: DataView,
  offset: number,
  header: RecordHeader,
  seed: number,
): void {
  view.setUint32(offset, MAGIC | header.type, true);
  view.setUint32(offset + LENGTH_OFFSET, header.payloadBytes, true);
  view.setFloat64(offset + GROUP_OFFSET, header.group, true);
  view.setFloat64(offset + FIRST_INDEX_OFFSET, header.firstIndex, true);
  view.setFloat64(offset + LAST_INDEX_OFFSET, header.lastIndex, true);
  view.setFloat64(offset + TERM_OFFSET, header.term, true);
  view.setFloat64(offset + DURABLE_OFFSET, header.durableOffset, true);
  view.setUint32(offset + PAYLOAD_CRC_OFFSET, header.payloadCrc, true);
  const crc = crc32Between(target, offset, offset + HEADER_CRC_OFFSET, seed);
  view.setUint32(offset + HEADER_CRC_OFFSET, crc, true);
}

/**
 * Reads the header at `offset` of these bytes into `into`. Returns false, and leaves `into` as it is, where there is
 * no whole one. It vouches for the header only. `view` must be a view of exactly the bytes of `source`.
 */
export function decodeRecordHeader(
  source: Uint8Array,
  view: DataView,
  offset: number,
  seed: number,
  into: RecordHeader,
): boolean {
  if (offset + RECORD_HEADER_BYTES > source.length) return false;
  const type = (view.getUint32(offset, true) ^ MAGIC) >>> 0;
  if (type === 0 || type > TYPE_MAX) return false;
  const crc = crc32Between(source, offset, offset + HEADER_CRC_OFFSET, seed);
  if (crc !== view.getUint32(offset + HEADER_CRC_OFFSET, true)) return false;
  into.type = type as RecordType;
  into.payloadBytes = view.getUint32(offset + LENGTH_OFFSET, true);
  into.group = groupId(view.getFloat64(offset + GROUP_OFFSET, true));
  into.firstIndex = view.getFloat64(offset + FIRST_INDEX_OFFSET, true);
  into.lastIndex = view.getFloat64(offset + LAST_INDEX_OFFSET, true);
  into.term = view.getFloat64(offset + TERM_OFFSET, true);
  into.durableOffset = view.getFloat64(offset + DURABLE_OFFSET, true);
  into.payloadCrc = view.getUint32(offset + PAYLOAD_CRC_OFFSET, true);
  return true;
}

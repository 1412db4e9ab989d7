/**
 * The binary form of a log entry, the same in the log, on the wire and on its way to the objects, so that a range of
 * entries is one range of bytes and nothing is ever encoded twice. Consensus reads headers only; payloads are opaque.
 *
 *   offset  size  field
 *        0     4  payload length in bytes, little-endian like all that follows
 *        4     1  kind
 *        5     3  zero
 *        8     8  term       (float64, a whole number)
 *       16     8  index      (float64, a whole number)
 *       24     8  timestamp  (float64, the leader's milliseconds since 1970, never running backwards in one log)
 *       32     4  CRC-32 of the payload, computed once, where the payload is made
 *       36     4  CRC-32 of the 36 bytes before
 *       40     …  payload
 *
 * The checksums are verified wherever entries come from elsewhere: from a peer, or from the disk.
 */

import { crc32Between } from '../../checksum.js';
import { ConclaveError } from '../../errors.js';
import { logIndex, term, type LogIndex, type Term } from '../../ids.js';

export const ENTRY_HEADER_BYTES = 40;

/** What an entry is for; the number is its form on wire and disk, and is never given to another kind. */
export const EntryKind = {
  /** Commits what earlier terms left behind (Raft §5.4.2, §8); no payload. */
  noop: 0,
  /** Opens a session; the payload names the life of the node that asked for it. */
  session: 1,
  /** A block of commands. */
  block: 2,
  /** Says who belongs to the group and who counts (configuration.ts). */
  configuration: 3,
  /** From here on a later version of the objects' code is in force (code-version-entry.ts). */
  codeVersion: 4,
} as const;
export type EntryKind = (typeof EntryKind)[keyof typeof EntryKind];

/** One entry, looked at in place: `payload` is a view of the log's own memory and must not be written to. */
export interface Entry {
  readonly kind: EntryKind;
  readonly term: Term;
  readonly index: LogIndex;
  readonly timestampMs: number;
  readonly payload: Uint8Array;
}

/** What an entry is made from: its kind, its payload, and the CRC-32 of that. */
export interface Content {
  readonly kind: EntryKind;
  readonly payload: Uint8Array;
  readonly crc: number;
}

const KIND_OFFSET = 4;
const TERM_OFFSET = 8;
const INDEX_OFFSET = 16;
const TIMESTAMP_OFFSET = 24;
const PAYLOAD_CRC_OFFSET = 32;
const HEADER_CRC_OFFSET = 36;

/** Kinds are numbered from 0 without gaps. */
const KIND_MAX: number = EntryKind.codeVersion;

/** The size in binary form of an entry with a payload of this size. */
export function entryBytes(payloadLength: number): number {
  return ENTRY_HEADER_BYTES + payloadLength;
}

/**
 * Writes one entry at `offset` and returns where the next one goes. `view` must be a view of exactly the bytes of
 * `target`; the caller keeps it, for making one costs more than the rest. `target` must have room.
 */
export function encodeEntryInto(
  target: Uint8Array,
  view: DataView,
  offset: number,
  { kind, payload, crc }: Content,
  entryTerm: Term,
  index: LogIndex,
  timestampMs: number,
): number {
  view.setUint32(offset, payload.length, true);
  // One write for the kind and the three zero bytes behind it.
  view.setUint32(offset + KIND_OFFSET, kind, true);
  view.setFloat64(offset + TERM_OFFSET, entryTerm, true);
  view.setFloat64(offset + INDEX_OFFSET, index, true);
  view.setFloat64(offset + TIMESTAMP_OFFSET, timestampMs, true);
  view.setUint32(offset + PAYLOAD_CRC_OFFSET, crc, true);
  view.setUint32(offset + HEADER_CRC_OFFSET, crc32Between(target, offset, offset + HEADER_CRC_OFFSET), true);
  target.set(payload, offset + ENTRY_HEADER_BYTES);
  return offset + ENTRY_HEADER_BYTES + payload.length;
}

/**
 * Steps through encoded entries without allocating: after each `next()` that returned true, the fields are those of
 * the current entry. It vouches for the structure (whole entries of known kinds), not for what term and index say.
 *
 * @example
 * const reader = new EntryReader();
 * let total = 0;
 * reader.reset(bytes);
 * while (reader.next()) total += reader.payloadEnd - reader.payloadStart;
 */
export class EntryReader {
  kind: EntryKind = EntryKind.noop;
  term: Term = term(0);
  index: LogIndex = logIndex(0);
  timestampMs = 0;
  /** Where the payload starts and ends in the bytes given to `reset`. */
  payloadStart = 0;
  payloadEnd = 0;
  #bytes: Uint8Array = NO_BYTES;
  /** Of the whole buffer that the bytes are in, for the next bytes are often in the same one. */
  #view: DataView = NO_VIEW;
  /** Invariant: the start of an entry, or the end of the bytes, or the fault that `next` threw for. */
  #position = 0;

  /** Starts over with these bytes, before their first entry. */
  reset(bytes: Uint8Array): void {
    this.#bytes = bytes;
    if (bytes.buffer !== this.#view.buffer) this.#view = new DataView(bytes.buffer);
    this.#position = 0;
  }

  /**
   * Moves to the next entry. Returns false behind the last one.
   *
   * @throws ConclaveError `ERR_PROTOCOL` where the bytes are not a whole entry of a known kind.
   */
  next(): boolean {
    const view = this.#view;
    const { byteOffset, length } = this.#bytes;
    const start = this.#position;
    const left = length - start;
    if (left === 0) return false;
    if (left < ENTRY_HEADER_BYTES) throw malformed('its header is cut off', start);
    const at = byteOffset + start;
    const end = start + ENTRY_HEADER_BYTES + view.getUint32(at, true);
    if (end > length) throw malformed('its payload is cut off', start);
    const kind = view.getUint32(at + KIND_OFFSET, true);
    if (kind > KIND_MAX) throw malformed('its kind is unknown', start);
    this.kind = kind as EntryKind;
    this.term = term(view.getFloat64(at + TERM_OFFSET, true));
    this.index = logIndex(view.getFloat64(at + INDEX_OFFSET, true));
    this.timestampMs = view.getFloat64(at + TIMESTAMP_OFFSET, true);
    this.payloadStart = start + ENTRY_HEADER_BYTES;
    this.payloadEnd = end;
    this.#position = end;
    return true;
  }

  /** What is wrong with the current entry's checksums; null: it is as it was made. */
  get damage(): 'header' | 'payload' | null {
    const { payloadStart, payloadEnd } = this;
    const bytes = this.#bytes;
    const start = payloadStart - ENTRY_HEADER_BYTES;
    const at = bytes.byteOffset + start;
    const headerCrc = crc32Between(bytes, start, start + HEADER_CRC_OFFSET);
    if (headerCrc !== this.#view.getUint32(at + HEADER_CRC_OFFSET, true)) return 'header';
    const payloadCrc = crc32Between(bytes, payloadStart, payloadEnd);
    return payloadCrc === this.#view.getUint32(at + PAYLOAD_CRC_OFFSET, true) ? null : 'payload';
  }
}

const NO_BYTES = new Uint8Array(0);
const NO_VIEW = new DataView(NO_BYTES.buffer);

function malformed(what: string, offset: number): ConclaveError {
  return new ConclaveError('ERR_PROTOCOL', `Malformed log entry at byte ${offset}: ${what}.`, { data: { offset } });
}

/**
 * The entry from which on the objects' code of a later version is in force. Its payload is the version, 32 bits,
 * little-endian: what consensus appends, and the objects read where it stands in the log.
 */

import { crc32 } from '../../checksum.js';
import { EntryKind, type Content } from './entry.js';

const PAYLOAD_BYTES = 4;

export function codeVersionContent(version: number): Content {
  const payload = new Uint8Array(PAYLOAD_BYTES);
  new DataView(payload.buffer).setUint32(0, version, true);
  return { kind: EntryKind.codeVersion, payload, crc: crc32(payload) };
}

/** What such an entry says; null: nothing, which is the same to every replica. */
export function readCodeVersion(payload: Uint8Array): number | null {
  if (payload.length !== PAYLOAD_BYTES) return null;
  return new DataView(payload.buffer, payload.byteOffset, payload.length).getUint32(0, true);
}

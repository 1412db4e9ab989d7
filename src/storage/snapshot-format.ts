/**
 * The form of a snapshot: header, stored chunks, footer, trailer, back to back and all little-endian; every byte of it
 * is under a checksum. Pure: lays bytes out and reads them back; who fetches them is `SnapshotReader`.
 *
 * - header, 16 bytes: magic, u32 version, u32 CRC-32 of what is before it. It stays as it is in all versions.
 * - chunks: the stored bytes, compressed or not, nothing between them.
 * - footer: the manifest, then for each chunk u32 raw length, u32 stored length (as long as raw: not compressed), u32
 *   CRC-32 of the stored bytes.
 * - trailer, 32 bytes: f64 offset of the footer, u32 length of the manifest, u32 number of chunks, u32 CRC-32 of the
 *   footer, u32 CRC-32 of what is before it in the trailer, magic.
 */

import { createHash } from 'node:crypto';
import { crc32 } from '../checksum.js';

export const SNAPSHOT_VERSION = 1;
export const HEADER_BYTES = 16;
export const TRAILER_BYTES = 32;
/** A manifest has a line for each object and each member: this is room for some hundred thousand. */
export const MANIFEST_BYTES_MAX = 32 * 1024 * 1024;

const CHUNK_ROW_BYTES = 12;
const HEADER_MAGIC = Buffer.from('CnclvSnp', 'latin1');
const TRAILER_MAGIC = Buffer.from('SnpClosd', 'latin1');

/** What the footer says of a chunk. */
export interface ChunkInfo {
  readonly rawBytes: number;
  readonly storedBytes: number;
  readonly crc: number;
}

export interface Trailer {
  readonly footerOffset: number;
  readonly manifestBytes: number;
  readonly chunkCount: number;
  readonly footerCrc: number;
}

/** Names what has this footer: the footer has the checksum of every stored byte, and the hash of what was stored. */
export function snapshotId(footer: Uint8Array): string {
  return createHash('sha256').update(footer).digest('hex').slice(0, 32);
}

export function encodeHeader(): Uint8Array {
  const header = Buffer.alloc(HEADER_BYTES);
  HEADER_MAGIC.copy(header);
  header.writeUInt32LE(SNAPSHOT_VERSION, 8);
  header.writeUInt32LE(crc32(header.subarray(0, 12)), 12);
  return header;
}

/** The version that a header names, or null if it is none. */
export function decodeHeader(bytes: Uint8Array): number | null {
  const header = bufferOf(bytes);
  if (header.length !== HEADER_BYTES || !HEADER_MAGIC.equals(header.subarray(0, 8))) return null;
  return header.readUInt32LE(12) === crc32(header.subarray(0, 12)) ? header.readUInt32LE(8) : null;
}

export function encodeFooter(manifest: Uint8Array, chunks: readonly ChunkInfo[]): Uint8Array {
  const footer = Buffer.alloc(footerBytes(manifest.length, chunks.length));
  footer.set(manifest);
  let at = manifest.length;
  for (const { rawBytes, storedBytes, crc } of chunks) {
    footer.writeUInt32LE(rawBytes, at);
    footer.writeUInt32LE(storedBytes, at + 4);
    footer.writeUInt32LE(crc, at + 8);
    at += CHUNK_ROW_BYTES;
  }
  return footer;
}

/** The chunk table of a footer. */
export function decodeChunks(footer: Uint8Array, { manifestBytes, chunkCount }: Trailer): ChunkInfo[] {
  const table = bufferOf(footer).subarray(manifestBytes);
  const chunks: ChunkInfo[] = [];
  for (let at = 0; chunks.length < chunkCount; at += CHUNK_ROW_BYTES) {
    chunks.push({
      rawBytes: table.readUInt32LE(at),
      storedBytes: table.readUInt32LE(at + 4),
      crc: table.readUInt32LE(at + 8),
    });
  }
  return chunks;
}

export function footerBytes(manifestBytes: number, chunkCount: number): number {
  return manifestBytes + chunkCount * CHUNK_ROW_BYTES;
}

export function encodeTrailer({ footerOffset, manifestBytes, chunkCount, footerCrc }: Trailer): Uint8Array {
  const trailer = Buffer.alloc(TRAILER_BYTES);
  trailer.writeDoubleLE(footerOffset, 0);
  trailer.writeUInt32LE(manifestBytes, 8);
  trailer.writeUInt32LE(chunkCount, 12);
  trailer.writeUInt32LE(footerCrc, 16);
  trailer.writeUInt32LE(crc32(trailer.subarray(0, 20)), 20);
  TRAILER_MAGIC.copy(trailer, 24);
  return trailer;
}

/**
 * Null if the bytes are no trailer, or not that of a file of `size` bytes: then the file was not written to its end.
 */
export function decodeTrailer(bytes: Uint8Array, size: number): Trailer | null {
  const trailer = bufferOf(bytes);
  if (trailer.length !== TRAILER_BYTES || !TRAILER_MAGIC.equals(trailer.subarray(24))) return null;
  if (trailer.readUInt32LE(20) !== crc32(trailer.subarray(0, 20))) return null;
  const footerOffset = trailer.readDoubleLE(0);
  const manifestBytes = trailer.readUInt32LE(8);
  const chunkCount = trailer.readUInt32LE(12);
  if (!Number.isSafeInteger(footerOffset) || footerOffset < HEADER_BYTES || manifestBytes > MANIFEST_BYTES_MAX) {
    return null;
  }
  if (footerOffset + footerBytes(manifestBytes, chunkCount) + TRAILER_BYTES !== size) return null;
  return { footerOffset, manifestBytes, chunkCount, footerCrc: trailer.readUInt32LE(16) };
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

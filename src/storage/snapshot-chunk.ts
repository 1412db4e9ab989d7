/**
 * A chunk: the unit in which a snapshot is compressed, checked and read, so that either side needs memory for one only.
 * Pure functions; each takes about a millisecond for a whole chunk, which is the longest that a snapshot blocks a
 * thread.
 */

import { brotliCompressSync, brotliDecompressSync, constants } from 'node:zlib';

/** A chunk has at most as many bytes before it is compressed, and every one but the last of its section has as many. */
export const CHUNK_BYTES_MAX = 256 * 1024;

/** A chunk that compression makes larger than this part of it is stored as it is: reading it is then a mere copy. */
const COMPRESSED_PART_MAX = 0.95;

/**
 * For numbers and short strings this shrinks as much as deflate at its fastest in half the time, and takes somewhat
 * longer to expand; what does not compress it gives up on five times sooner. A larger window makes it slower, not
 * better.
 */
const COMPRESSION = { [constants.BROTLI_PARAM_QUALITY]: 1, [constants.BROTLI_PARAM_LGWIN]: 16 };

/** With room to spare for its result, zlib needs one piece of memory and sees at once that it has come to the end. */
const SPARE_BYTES = 64;

/** What to store for a chunk: something shorter, or the chunk itself. */
export function compressChunk(raw: Uint8Array): Uint8Array {
  const compressed = brotliCompressSync(raw, { params: COMPRESSION, chunkSize: raw.length + SPARE_BYTES });
  return compressed.length <= raw.length * COMPRESSED_PART_MAX ? compressed : raw;
}

/**
 * The chunk that was stored so; where it was not compressed this is `stored` itself. Null if it cannot be, which the
 * chunk's checksum has mostly told before.
 */
export function expandChunk(stored: Uint8Array, rawBytes: number): Uint8Array | null {
  if (stored.length === rawBytes) return stored;
  try {
    const raw = brotliDecompressSync(stored, { chunkSize: rawBytes + SPARE_BYTES, maxOutputLength: rawBytes });
    return raw.length === rawBytes ? new Uint8Array(raw.buffer, raw.byteOffset, rawBytes) : null;
  } catch {
    return null;
  }
}

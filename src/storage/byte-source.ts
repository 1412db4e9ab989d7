/**
 * Bytes that can be read at any position: an open file, or memory that threads share. What snapshots are read from.
 */

import type { Disk } from './disk.js';

/** Where the bytes of a snapshot lie, as plain data: crosses threads without being copied. */
export type ByteLocation =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'memory'; readonly bytes: SharedArrayBuffer };

export interface ByteSource {
  /** How many bytes there are. */
  size(): number;
  /** Reads up to `into.length` bytes from `position` on; returns how many there were, 0 at the end. */
  read(into: Uint8Array, position: number): number;
  close(): void;
}

/**
 * Opens the bytes that lie there. To be closed.
 *
 * @throws ConclaveError `ERR_STORAGE` when the file cannot be opened.
 */
export function openBytes(disk: Disk, location: ByteLocation): ByteSource {
  if (location.kind === 'file') return disk.open(location.path, 'read');
  return memorySource(new Uint8Array(location.bytes));
}

/** The bytes of a buffer as a source. */
export function memorySource(bytes: Uint8Array): ByteSource {
  return {
    size: () => bytes.length,
    read: (into, position) => {
      const piece = bytes.subarray(position, position + into.length);
      into.set(piece);
      return piece.length;
    },
    close: () => {},
  };
}

/** How long the disk takes to say that it has something: no durable write can be faster. Runs in the parent. */

import { closeSync, fdatasyncSync, fsyncSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { withTemporaryDirectory } from './cluster/temporary-directory.js';

const PIECES = 200;
const PIECE_BYTES = 4096;

/** The median of 200 times in which 4 KiB, in a file that has its size already, are written and synced. */
export function fdatasyncMs(): Promise<number> {
  return withTemporaryDirectory(async (directory) => {
    const file = openSync(join(directory, 'probe'), 'w');
    try {
      writeSync(file, new Uint8Array(PIECES * PIECE_BYTES));
      fsyncSync(file);
      const piece = new Uint8Array(PIECE_BYTES).fill(1);
      const tookMs = Array.from({ length: PIECES }, (_, index) => {
        const startedAt = performance.now();
        writeSync(file, piece, 0, PIECE_BYTES, index * PIECE_BYTES);
        fdatasyncSync(file);
        return performance.now() - startedAt;
      });
      return tookMs.toSorted((a, b) => a - b)[PIECES / 2]!;
    } finally {
      closeSync(file);
    }
  });
}

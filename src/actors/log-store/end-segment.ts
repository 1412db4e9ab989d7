/**
 * Ends the segment that an earlier life has left without an end, at the place up to which it was found whole. Part of
 * the writer's start.
 */

import type { Disk, DiskFile } from '../../storage/disk.js';
import { segmentRecord } from './pending-record.js';
import { WalBatch } from './wal-batch.js';
import { RecordType } from './wal-record.js';
import type { SegmentEnd } from './wal-scan.js';

const PIECE_BYTES = 1024 * 1024;

/**
 * Makes the segment durable up to `end.offset`, writes its `end` record there, and cuts off what is behind: what was
 * torn must not come to life behind something new.
 */
export function endSegment(disk: Disk, { path, offset, durableOffset, seed }: SegmentEnd): void {
  const file = disk.open(path, 'write');
  try {
    rewrite(file, durableOffset, offset);
    const batch = new WalBatch();
    batch.add(segmentRecord(RecordType.end), durableOffset, seed);
    file.write(batch.buffers(), offset);
    file.sync();
    file.truncate(offset + batch.bytes);
  } finally {
    file.close();
  }
}

/**
 * Writes again what nothing vouches for. After a sync that failed, the system may show what never reached the disk, and
 * take it for written: a sync alone would then do nothing, and the node would count as durable what it is not.
 */
function rewrite(file: DiskFile, from: number, to: number): void {
  const piece = new Uint8Array(Math.min(PIECE_BYTES, to - from));
  for (let offset = from; offset < to; offset += piece.length) {
    const bytes = piece.subarray(0, to - offset);
    file.read(bytes, offset);
    file.write([bytes], offset);
  }
}

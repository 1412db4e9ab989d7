/**
 * The segment that will be written to next, while it is being made: a file full of zeros, for overwriting costs less
 * than growing, written and synced in slices so that no slice keeps the log waiting. It has a temporary name until it
 * is whole, so that a segment that has its name also has its header and its size, whatever crashed.
 */

import type { Disk, DiskFile } from '../../storage/disk.js';
import { encodeSegmentHeader, leftoverPath, segmentPath, type SegmentHeader } from './wal-format.js';

const SLICE_BYTES = 1024 * 1024;
const ZEROS = new Uint8Array(SLICE_BYTES);

/** A segment that is ready to be written to. */
export interface NewSegment {
  readonly header: SegmentHeader;
  readonly file: DiskFile;
}

export class NextSegment {
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #header: SegmentHeader;
  #file: DiskFile | null;
  /** Invariant: what is before is zeros, and synced. */
  #written = 0;

  constructor(disk: Disk, directory: string, header: SegmentHeader) {
    this.#disk = disk;
    this.#directory = directory;
    this.#header = header;
    this.#file = disk.open(leftoverPath(directory, header.sequence), 'create');
  }

  /** How much of it is there, from 0 to 1. */
  get progress(): number {
    return this.#written / this.#header.segmentBytes;
  }

  /** Writes and syncs one slice. */
  step(): void {
    this.#fill(Math.min(SLICE_BYTES, this.#header.segmentBytes - this.#written));
    this.#file!.sync();
  }

  /** Does what is left, so that the segment has room for `bytesMin` at least, and gives it its name, durably. */
  finish(bytesMin: number): NewSegment {
    const header = { ...this.#header, segmentBytes: Math.max(bytesMin, this.#header.segmentBytes) };
    const file = this.#file!;
    while (this.#written < header.segmentBytes) this.#fill(Math.min(SLICE_BYTES, header.segmentBytes - this.#written));
    file.write([encodeSegmentHeader(header)], 0);
    file.sync();
    this.close();
    const path = segmentPath(this.#directory, header.sequence);
    this.#disk.rename(leftoverPath(this.#directory, header.sequence), path);
    this.#disk.syncDirectory(this.#directory);
    return { header, file: this.#disk.open(path, 'write') };
  }

  /** Lets go of the file; what has been made of it is removed at the next start. */
  close(): void {
    const file = this.#file;
    this.#file = null;
    file?.close();
  }

  #fill(bytes: number): void {
    this.#file!.write([ZEROS.subarray(0, bytes)], this.#written);
    this.#written += bytes;
  }
}

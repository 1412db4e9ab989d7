/**
 * Takes segments out of the log and gives their room back in slices: removing a large file at once keeps the disk, and
 * with it the log, waiting for tens of milliseconds. Used by the writer only.
 */

import type { Disk, DiskFile } from '../../storage/disk.js';
import { leftoverPath, segmentPath } from './wal-format.js';

const SLICE_BYTES = 2 * 1024 * 1024;

export class DroppedSegments {
  readonly #disk: Disk;
  readonly #directory: string;
  /** Out of the log, and not removed yet. */
  readonly #paths: string[] = [];
  /** The first of them, while it is being shrunk. */
  #shrinking: DiskFile | null = null;

  constructor(disk: Disk, directory: string) {
    this.#disk = disk;
    this.#directory = directory;
  }

  get isEmpty(): boolean {
    return this.#paths.length === 0;
  }

  /**
   * Takes the first segment out of the log, durably: a crash must not bring it back after a later one has gone. Its
   * room is given back by `step`.
   */
  drop(sequence: number): void {
    const path = leftoverPath(this.#directory, sequence);
    this.#disk.rename(segmentPath(this.#directory, sequence), path);
    this.#disk.syncDirectory(this.#directory);
    this.#paths.push(path);
  }

  /** Gives one slice of room back. */
  step(): void {
    const path = this.#paths[0]!;
    const file = (this.#shrinking ??= this.#disk.open(path, 'write'));
    const size = file.size() - SLICE_BYTES;
    if (size > 0) {
      file.truncate(size);
      return;
    }
    this.close();
    this.#disk.remove(path);
    this.#paths.shift();
  }

  /** Lets go of the file in hand; what is left is removed at the next start. */
  close(): void {
    const file = this.#shrinking;
    this.#shrinking = null;
    file?.close();
  }
}

/**
 * Runs folds on the thread that asks for them, a slice at a time: for nodes without threads. A fold's objects are
 * objects of their own, but whatever their module shares with the live ones, they share.
 */

import { breather } from '../../runtime/breather.js';
import { abortable } from './abortable.js';
import type { Disk } from '../../storage/disk.js';
import { fold, type FoldResult, type FoldTask } from './fold.js';
import type { FoldRun, FoldRunner } from './fold-runner.js';

/** How long a fold keeps its thread at a time. */
const SLICE_MS = 5;

export class InlineFoldRunner implements FoldRunner {
  readonly #disk: Disk;

  constructor(disk: Disk) {
    this.#disk = disk;
  }

  async run(task: FoldTask, { signal, onProgress }: FoldRun): Promise<FoldResult> {
    const pause = abortable(signal, breather(SLICE_MS));
    return await fold(task, { disk: this.#disk, pause, onProgress });
  }

  async stop(): Promise<void> {}
}

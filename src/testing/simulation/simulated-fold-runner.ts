/** Folds in slices of virtual time, so that other things happen between any two pieces of their work. */

import { abortable } from '../../actors/snapshotter/abortable.js';
import { fold } from '../../actors/snapshotter/fold.js';
import type { FoldRunner } from '../../actors/snapshotter/fold-runner.js';
import type { ClassLoader } from '../../actors/replicated/class-loader.js';
import type { Disk } from '../../storage/disk.js';
import type { Pause } from '../../storage/pause.js';

export class SimulatedFoldRunner implements FoldRunner {
  readonly #disk: Disk;
  readonly #classes: ClassLoader;
  readonly #pause: Pause;

  constructor(disk: Disk, classes: ClassLoader, pause: Pause) {
    this.#disk = disk;
    this.#classes = classes;
    this.#pause = pause;
  }

  run: FoldRunner['run'] = (task, { signal, onProgress }) => {
    const pause = abortable(signal, this.#pause);
    return fold(task, { disk: this.#disk, classes: this.#classes, pause, onProgress });
  };

  async stop(): Promise<void> {}
}

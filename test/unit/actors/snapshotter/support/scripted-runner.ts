/** Runs folds when the test says so: each writes a snapshot of as many bytes as the test likes, or fails. */

import assert from 'node:assert/strict';
import type { FoldResult, FoldTask } from '../../../../../src/actors/snapshotter/fold.js';
import type { FoldRun, FoldRunner } from '../../../../../src/actors/snapshotter/fold-runner.js';
import type { Disk } from '../../../../../src/storage/disk.js';
import { openDraft } from '../../../../../src/storage/snapshot-draft.js';
import { cutAt, noise, writeSections } from '../../../storage/snapshot-samples.js';

/** Made once, for it takes a while. Snapshots of different entries have different parts of it. */
const NOISE = noise(2_000_000);

interface Running {
  readonly task: FoldTask;
  readonly onProgress: FoldRun['onProgress'];
  readonly resolve: (result: FoldResult) => void;
  readonly reject: (error: Error) => void;
}

export class ScriptedRunner implements FoldRunner {
  /** All that were ever asked for. */
  readonly tasks: FoldTask[] = [];
  /** Which of them were urgent. */
  readonly urgent: boolean[] = [];
  stops = 0;
  readonly #disk: Disk;
  #running: Running | null = null;

  constructor(disk: Disk) {
    this.#disk = disk;
  }

  get isRunning(): boolean {
    return this.#running !== null;
  }

  run(task: FoldTask, { isUrgent, signal, onProgress }: FoldRun): Promise<FoldResult> {
    assert.equal(this.#running, null, 'folds are run one at a time');
    this.tasks.push(task);
    this.urgent.push(isUrgent);
    return new Promise((resolve, reject) => {
      const running = { task, onProgress, resolve, reject };
      this.#running = running;
      signal.addEventListener('abort', () => {
        if (this.#running === running) this.fail(signal.reason as Error);
      });
    });
  }

  async stop(): Promise<void> {
    assert.equal(this.#running, null, 'folds are aborted before the runner is stopped');
    this.stops += 1;
  }

  progress(fraction: number): void {
    this.#take(false).onProgress(fraction);
  }

  /** The fold under way has made a snapshot of this state. */
  finish(stateBytes = 100, hashes: FoldResult['hashes'] = []): void {
    const { task, resolve } = this.#take();
    const { lastIndex } = task.log;
    const draft = openDraft(this.#disk, task.draft, null);
    const cut = cutAt(lastIndex);
    const written = writeSections(draft, { state: NOISE.subarray(lastIndex, lastIndex + stateBytes) }, cut);
    resolve({ snapshot: { ...written, lastIncluded: cut.lastIncluded, location: draft.finish() }, hashes });
  }

  fail(error: Error): void {
    this.#take().reject(error);
  }

  #take(isOver = true): Running {
    const running = this.#running;
    assert(running !== null, 'a fold is under way');
    if (isOver) this.#running = null;
    return running;
  }
}

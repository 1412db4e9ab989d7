/**
 * Folds whose thread cannot be started. What becomes of the others is in test/threads, for a worker cannot load
 * TypeScript.
 */

import workerThreads from 'node:worker_threads';
import { afterEach, expect, test, vi } from 'vitest';
import type { FoldTask } from '../../../../src/actors/snapshotter/fold.js';
import { PoolFoldRunner } from '../../../../src/actors/snapshotter/pool-fold-runner.js';
import { logIndex } from '../../../../src/ids.js';

const TASK: FoldTask = {
  objects: [],
  classes: [],
  sessionsMax: 10,
  previous: null,
  log: { kind: 'memory', firstIndex: logIndex(1), lastIndex: logIndex(1), pieces: [] },
  draft: { kind: 'memory' },
  isSynced: true,
};

const RUN = { isUrgent: true, signal: new AbortController().signal, onProgress: () => {} };

afterEach(() => vi.restoreAllMocks());

test('a fold whose thread does not come up fails, each time', async () => {
  const runner = new PoolFoldRunner();

  // Beside the sources there is no module that the thread could load.
  for (let i = 0; i < 2; i++) await expect(runner.run(TASK, RUN)).rejects.toThrow(/fold-worker/);

  await runner.stop();
});

test('a fold for which the system makes no thread fails alone, and is not left to a later one', async () => {
  const runner = new PoolFoldRunner();
  vi.spyOn(workerThreads, 'Worker').mockImplementation(function refuse() {
    throw new Error('EAGAIN');
  });
  await expect(runner.run(TASK, RUN)).rejects.toThrow('EAGAIN');
  vi.restoreAllMocks();

  await expect(runner.run(TASK, RUN)).rejects.toThrow(/fold-worker/);

  await runner.stop();
});

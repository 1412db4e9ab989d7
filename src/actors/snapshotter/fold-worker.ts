/**
 * What a thread of the fold pool runs: folds, one after the other, and nothing in between. Its classes are loaded anew,
 * so that whatever they keep outside of their objects is not the live objects'. Only PoolFoldRunner starts it.
 */

import { parentPort } from 'node:worker_threads';
import { assert } from '../../assert.js';
import { toPlainError, type PlainError } from '../../errors.js';
import { markThread } from '../../runtime/threads/thread-mark.js';
import { NodeDisk } from '../../storage/node-disk.js';
import { fold, type FoldResult, type FoldTask } from './fold.js';

/** What becomes of a fold: thrown errors would lose what they have besides a message. */
export type FoldOutcome =
  | { readonly result: FoldResult; readonly error: null }
  | { readonly result: null; readonly error: PlainError };

/** Told while a fold goes on. */
export interface FoldProgress {
  readonly fraction: number;
}

const PROGRESS_MS = 200;

assert(parentPort !== null, 'fold-worker runs in a worker');
const port = parentPort;
markThread('fold');
// What a command has left behind is no reason not to have its snapshot: the objects' own thread logs the same.
process.on('unhandledRejection', () => {});

/** Runs one fold; the export that the pool calls. */
export async function runFold(task: FoldTask): Promise<FoldOutcome> {
  const disk = new NodeDisk({ isSynced: task.isSynced });
  let toldMs = performance.now();
  const onProgress = (fraction: number): void => {
    const nowMs = performance.now();
    if (nowMs - toldMs < PROGRESS_MS) return;
    toldMs = nowMs;
    const progress: FoldProgress = { fraction };
    port.postMessage(progress);
  };
  try {
    // Nobody else is on this thread, and it is ended from outside when the fold is aborted.
    return { result: await fold(task, { disk, pause: () => undefined, onProgress }), error: null };
  } catch (error) {
    return { result: null, error: toPlainError(error) };
  }
}

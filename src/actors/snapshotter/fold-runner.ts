/**
 * The port behind which folds are run, somewhere where nobody waits for them: on a thread of their own, or between
 * other things. Belongs to the Snapshotter, which runs one at a time.
 */

import type { FoldResult, FoldTask, OnProgress } from './fold.js';

export interface FoldRun {
  /** At the priority of everybody else, where folds have a lower one. */
  readonly isUrgent: boolean;
  readonly signal: AbortSignal;
  readonly onProgress: OnProgress;
}

export interface FoldRunner {
  /**
   * Runs a fold. Rejects with what the fold rejects with, or with why it ended otherwise; when its signal is aborted,
   * with anything. Once it has settled, nobody writes to the draft any more. Memory of the task's log is transferred.
   */
  run(task: FoldTask, run: FoldRun): Promise<FoldResult>;
  /** Ends what the runner keeps for later folds. A fold that is under way is to be aborted before. Never rejects. */
  stop(): Promise<void>;
}

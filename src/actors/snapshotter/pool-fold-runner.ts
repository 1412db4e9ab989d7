/**
 * Runs folds on a thread of their own, at a lower priority where the system has such, but for urgent ones: a thread is
 * made for the first fold, and when none has followed for a while it is ended, and its memory with it. A fold that
 * crashes its thread, or exhausts its memory, fails alone. Lives on the Snapshotter's thread, which is not blocked by
 * any of it.
 */

import { fileURLToPath } from 'node:url';
import type { Worker } from 'node:worker_threads';
import type { Piscina } from 'piscina';
import { asError, fromPlainError } from '../../errors.js';
import type { FoldResult, FoldTask } from './fold.js';
import type { FoldRun, FoldRunner } from './fold-runner.js';
import type { FoldOutcome, FoldProgress } from './fold-worker.js';

type Pool = Piscina<FoldTask, FoldOutcome>;

/** Folds of a busy node follow each other: then they need not load their classes again. */
const IDLE_MS = 10_000;
/** Only on Linux has each thread a niceness of its own. Without the optional package that sets it, folds have none. */
const NICENESS = process.platform === 'linux' ? 10 : 0;

export class PoolFoldRunner implements FoldRunner {
  /** By niceness, which a thread keeps; none until the first fold, and again when stopped. */
  #pools = new Map<number, Pool>();

  async run(task: FoldTask, { isUrgent, signal, onProgress }: FoldRun): Promise<FoldResult> {
    const niceness = isUrgent ? 0 : NICENESS;
    const pool = this.#pools.get(niceness) ?? (await makePool(niceness));
    signal.throwIfAborted();
    this.#pools.set(niceness, pool);
    const transferList = task.log.kind === 'memory' ? [...task.log.pieces] : [];
    const tell = (posted: unknown): void => {
      if (isProgress(posted)) onProgress(posted.fraction);
    };
    // A thread that ends before it has taken the fold is told by the pool only; the fold itself would wait for ever.
    let failure: Error | null = null;
    const calledOff = new AbortController();
    const fail = (error: unknown): void => {
      failure ??= asError(error);
      calledOff.abort(failure);
    };
    pool.on('message', tell);
    pool.on('error', fail);
    let threads: readonly Worker[] = [];
    try {
      const either = AbortSignal.any([signal, calledOff.signal]);
      const running = this.#begin(niceness, pool, task, { signal: either, transferList });
      threads = [...pool.threads];
      const { result, error } = await running;
      if (error !== null) throw fromPlainError(error);
      return result;
    } catch (error) {
      // A thread that the pool has given up is still ending: only then will it not write any more.
      await Promise.all(threads.filter((thread) => !pool.threads.includes(thread)).map(ended));
      throw failure ?? asError(error);
    } finally {
      pool.off('error', fail);
      pool.off('message', tell);
    }
  }

  async stop(): Promise<void> {
    const pools = [...this.#pools.values()];
    this.#pools = new Map();
    await Promise.all(pools.map((pool) => pool.destroy()));
  }

  #begin(niceness: number, pool: Pool, ...[task, options]: Parameters<Pool['run']>): Promise<FoldOutcome> {
    try {
      return pool.run(task, options);
    } catch (error) {
      // The system makes no thread. The pool, which has none then, would give this fold to the next one's.
      this.#pools.delete(niceness);
      throw error;
    }
  }
}

/** What code of the user's posts that finds itself in a worker comes the same way, and is nobody's. */
function isProgress(posted: unknown): posted is FoldProgress {
  return typeof posted === 'object' && posted !== null && 'fraction' in posted && typeof posted.fraction === 'number';
}

/** Loading the pool takes a while, and a node may never need it. */
async function makePool(niceness: number): Promise<Pool> {
  const { Piscina: ThreadPool } = await import('piscina');
  const pool: Pool = new ThreadPool({
    filename: fileURLToPath(new URL('./fold-worker.js', import.meta.url)),
    name: 'runFold',
    minThreads: 0,
    maxThreads: 1,
    idleTimeout: IDLE_MS,
    niceIncrement: niceness,
    recordTiming: false,
  });
  // Of a thread that ends between folds; the next one has a new thread.
  pool.on('error', () => {});
  return pool;
}

function ended(thread: Worker): Promise<void> {
  if (thread.threadId === -1) return Promise.resolve();
  return new Promise((resolve) => void thread.once('exit', () => resolve()));
}

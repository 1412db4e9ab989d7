/**
 * Measures the limit of a row: its commands, encoded the same way, sent to the same number of processes over plain TCP
 * and applied by each, with nothing agreed upon. Runs in the parent.
 */

import type { LoadResult } from '../load/closed-loop.js';
import type { LoadRow } from '../matrix.js';
import { FINISH_TIMEOUT_MS, type Timing } from '../measure.js';
import { Child } from '../processes/child.js';
import { sameState } from '../processes/same-state.js';
import type { LimitOperations } from './limit-process.js';

const SCRIPT = new URL('./limit-process.js', import.meta.url);
const CALL_TIMEOUT_MS = 10_000;

/** Reads are not sent anywhere, and on one thread, or with a disk, the limit would be another one. */
export function hasLimit(row: LoadRow): boolean {
  return row.operation === 'write' && row.caller === 'leader' && row.threads && !row.durable;
}

export async function measureLimit(row: LoadRow, { warmupMs, durationMs }: Timing): Promise<LoadResult> {
  const [caller, ...others] = Array.from(
    { length: row.nodes },
    (_, index) => new Child<LimitOperations>(`process ${index} of the limit`, SCRIPT),
  ) as [Child<LimitOperations>, ...Child<LimitOperations>[]];
  const all = [caller, ...others];
  try {
    const ports = await Promise.all(others.map((other) => other.call('listen', null, CALL_TIMEOUT_MS)));
    await caller.call('connect', ports, CALL_TIMEOUT_MS);
    const { window, commandBytes } = row;
    const result = await caller.call(
      'load',
      { window, commandBytes, warmupMs, durationMs },
      warmupMs + durationMs + FINISH_TIMEOUT_MS,
    );
    await sameState(
      () => Promise.all(all.map((child) => child.call('state', null, CALL_TIMEOUT_MS))),
      (state) => state.commands >= result.commands,
    );
    await Promise.all(all.map((child) => child.stop()));
    return result;
  } finally {
    await Promise.all(all.map((child) => child.kill()));
  }
}

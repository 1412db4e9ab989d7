/** The end of a process that a test has started, waited for with a limit: who waits in vain is told for what. */

import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';

/**
 * Less than a test has, so that the test fails by this and not by its own limit, which does not know what it waited
 * for.
 */
const END_TIMEOUT_MS = 45_000;

/**
 * Resolves with the exit code, or null after a signal, when the process has ended and all that it wrote has arrived.
 * `what` says which process it is, and may say what it wrote.
 */
export async function endOf(
  child: ChildProcess,
  what: () => string,
  timeoutMs = END_TIMEOUT_MS,
): Promise<number | null> {
  await within(once(child, 'close'), timeoutMs, () => `${what()} has not ended`);
  return child.exitCode;
}

/** Rejects when a promise has not settled in time. */
export async function within<Value>(promise: Promise<Value>, timeoutMs: number, what: () => string): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`After ${timeoutMs} ms, ${what()}.`)), timeoutMs);
  });
  return await Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

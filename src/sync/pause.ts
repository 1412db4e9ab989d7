/** A wait that ends early by a signal. On the caller's thread. It leaves neither a timer nor a listener behind. */

import type { Timekeeper } from '../runtime/timekeeper.js';

/** Resolves after so long, or as soon as the signal is aborted. */
export function pause(timekeeper: Timekeeper, delayMs: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted === true) return Promise.resolve();
  return new Promise((resolve) => {
    const end = (): void => {
      timer.cancel();
      signal?.removeEventListener('abort', end);
      resolve();
    };
    const timer = timekeeper.after(delayMs, end);
    signal?.addEventListener('abort', end, { once: true });
  });
}

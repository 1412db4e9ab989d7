/** Waits for a signal, for as long as it takes. On the caller's thread. */

/** Resolves once it is aborted. Never rejects. */
export function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

/**
 * Steps aside for an event loop in the middle of long work: work that asks often enough never keeps the loop for much
 * longer than one slice. On any thread.
 */

/** Asked between small steps of work: a promise to wait for when a slice is over, otherwise `undefined`. */
export function breather(sliceMs: number): () => Promise<void> | undefined {
  let endMs = performance.now() + sliceMs;
  return () => {
    if (performance.now() < endMs) return undefined;
    return new Promise((resolve) => {
      setImmediate(() => {
        endMs = performance.now() + sliceMs;
        resolve();
      });
    });
  };
}

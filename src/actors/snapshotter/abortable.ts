/** Long work in slices, on a thread that has other things to do: it steps aside, and it can be called off. */

import { breather } from '../../runtime/breather.js';
import type { Pause } from '../../storage/pause.js';

/** A pause after each `sliceMs`, which rejects with the signal's reason once that is aborted. */
export function abortable(signal: AbortSignal, sliceMs: number): Pause {
  const breathe = breather(sliceMs);
  return () => (signal.aborted ? Promise.reject(signal.reason as Error) : breathe());
}

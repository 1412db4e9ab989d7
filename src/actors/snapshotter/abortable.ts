/** Long work in slices, on a thread that has other things to do: it steps aside, and it can be called off. */

import type { Pause } from '../../storage/pause.js';

/** The same pause, which rejects with the signal's reason once that is aborted. */
export function abortable(signal: AbortSignal, pause: Pause): Pause {
  return () => (signal.aborted ? Promise.reject(signal.reason as Error) : pause());
}

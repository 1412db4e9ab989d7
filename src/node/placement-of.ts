/**
 * Which placement a node's options ask for. Loads no other: most of what Conclave consists of is for the threads to
 * load, or for a node that has none, and a program would wait for it at its start. On the caller's thread.
 */

import type { CheckedOptions } from './options.js';
import type { Placement, PlacementEvents } from './placement.js';

export async function placementOf(options: CheckedOptions): Promise<(events: PlacementEvents) => Placement> {
  if (options.threads) {
    const { ThreadsPlacement } = await import('./threads-placement.js');
    return (events) => new ThreadsPlacement(options, events);
  }
  const { InlinePlacement } = await import('./inline-placement.js');
  return (events) => new InlinePlacement(options, events);
}

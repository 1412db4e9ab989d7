/**
 * What keeps two clusters from being founded by sets of nodes that overlap: founding takes the votes of all founders,
 * and nobody votes for one who would found another set than its own options name.
 */

import type { RequestPreVote, RequestVote } from './messages.js';
import type { Core } from './state.js';

/** With whom this node would found a cluster, the same bytes on each of them; empty where it knows one. */
export function foundersOf({ configurations, options }: Core): Uint8Array {
  if (configurations.isFounded) return NONE;
  return new TextEncoder().encode(options.configuration.voters.toSorted().join(', '));
}

/** Would this vote help to found a cluster that this node is not to found? Then people must hear of it. */
export function foundsAnother(core: Core, { from, founders }: RequestPreVote | RequestVote): boolean {
  if (founders.length === 0 || core.configurations.isFounded) return false;
  const own = foundersOf(core);
  if (own.length === founders.length && own.every((byte, i) => byte === founders[i])) return false;
  core.effects.push({ type: 'foundersDiffer', from, founders: new TextDecoder().decode(founders) });
  return true;
}

const NONE = new Uint8Array(0);

/**
 * Tells the log that a peer's place was taken: somebody connected under its name, in another incarnation, while its own
 * connection still stood. Said once per incarnation, and not for ever, since strangers can make up incarnations.
 */

import type { Incarnation, NodeId } from '../ids.js';
import type { Logger } from '../runtime/logger.js';

/** Past so many the log has been told enough. */
const REPORTS_MAX = 100;

export class TakeoverLog {
  readonly #logger: Logger;
  /** The incarnations that have been reported as having taken somebody's place. At most {@link REPORTS_MAX}. */
  readonly #reported = new Set<Incarnation>();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** `incarnation` of `peer` has taken the place of `replaced`, another one. */
  onTakenOver(peer: NodeId, incarnation: Incarnation, replaced: Incarnation): void {
    if (this.#reported.has(incarnation) || this.#reported.size >= REPORTS_MAX) return;
    this.#reported.add(incarnation);
    this.#logger.warn(
      { peer, incarnation, replaced },
      'a peer connected in another incarnation while its connection stood: either it was restarted and has lost its ' +
        'memory, or two processes go by its name, of which only one may run',
    );
  }
}

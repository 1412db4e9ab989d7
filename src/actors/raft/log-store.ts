/**
 * The port behind which a node's log and hard state are kept. One ordered channel: requests are made durable in the
 * order in which they were made, and `written` is called in that order, once each.
 */

import type { Store } from './effects.js';

export interface LogStore {
  /**
   * Makes `request` durable, then calls `written`. May call it before returning. A store that fails must never call
   * `written` again: it reports to its owner, which stops the node.
   */
  store(request: Store, written: (request: Store) => void): void;
}

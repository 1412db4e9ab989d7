/**
 * The port behind which a node's log and hard state are kept. One ordered channel: requests are made durable in the
 * order in which they were made, and `written` is called in that order, once each.
 */

import type { Store } from './effects.js';

export interface LogStore {
  /**
   * Makes `request` durable, then calls `written`: before it returns, or from `onStored`. A store that fails must never
   * call `written` again: it reports to its owner, which stops the node.
   */
  store(request: Store, written: (request: Store) => void): void;
  /** Storage on another thread says that requests up to this one, counted from 1, are durable. */
  onStored(request: number): void;
  /** Bytes of entries that are not durable yet. */
  readonly unstoredBytes: number;
}

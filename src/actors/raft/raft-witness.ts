/**
 * Who looks on while a core takes its steps, on its thread: simulations, which check what no node could know by itself.
 * A node in production has none.
 */

import type { RaftMessage } from './messages.js';
import type { Core } from './state.js';

export interface RaftWitness {
  /** The core has taken this message. Must change nothing. */
  stepped(core: Core, message: RaftMessage): void;
}

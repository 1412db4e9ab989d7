/**
 * Storage of a node without a data directory: everything is "durable" at once, for there is no disk to wait for. The
 * entries themselves live in the core's log only; this keeps no second copy, and forgets all when the process ends.
 */

import { assert } from '../../assert.js';
import type { HardState, Store } from './effects.js';
import type { LogStore } from './log-store.js';

export class MemoryLogStore implements LogStore {
  readonly unstoredBytes = 0;
  #hardState: HardState | null = null;

  /** The last hard state stored; null before the first. */
  get hardState(): HardState | null {
    return this.#hardState;
  }

  /** Calls `written` before it returns. */
  store(request: Store, written: (request: Store) => void): void {
    if (request.hardState !== null) this.#hardState = request.hardState;
    written(request);
  }

  onStored(): never {
    assert(false, 'nothing is stored elsewhere');
  }
}

/**
 * How far this node's own storage has the log for good: what is committed may be durable on other nodes only, and what
 * was written may be about to be replaced. Part of the shell, which tells it of each request and of its end.
 */

import { logIndex, type LogIndex } from '../../ids.js';
import type { Store } from './effects.js';

export class StoredLog {
  /** The last entry written. */
  #writtenIndex: LogIndex;
  /** The first entry of each request that has not been written; Infinity for one without entries. */
  readonly #pending: number[] = [];

  /** With what was recovered, storage begins. */
  constructor(recoveredIndex: LogIndex) {
    this.#writtenIndex = recoveredIndex;
  }

  /** How many requests are under way. */
  get pending(): number {
    return this.#pending.length;
  }

  /** Entries up to here that are committed are read from storage as they are. */
  get settledIndex(): LogIndex {
    return logIndex(Math.min(this.#writtenIndex, Math.min(...this.#pending) - 1));
  }

  /** A request is about to be made. */
  requested({ append }: Store): void {
    this.#pending.push(append?.firstIndex ?? Infinity);
  }

  /** The oldest request has been carried out. */
  written({ append, reset }: Store): void {
    this.#pending.shift();
    if (append !== null) this.#writtenIndex = append.lastIndex;
    else if (reset !== null) this.#writtenIndex = reset.index;
  }
}

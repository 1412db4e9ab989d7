/**
 * Handing the news of a batch to storage, in one request where the log's memory allows: term and vote, a log that
 * begins anew, new entries, and behind them everything that may follow only when those are durable.
 */

import { logIndex } from '../../ids.js';
import type { AppendToLog, DurableEffect } from './effects.js';
import type { Core } from './state.js';

/** Emits what storage lacks; `alsoThen` follows with what waits for it already. */
export function flushToStorage(core: Core, alsoThen: readonly DurableEffect[]): void {
  const { log } = core;
  let hardState = core.isHardStateDirty ? { term: core.term, votedFor: core.votedFor } : null;
  core.isHardStateDirty = false;
  let reset = core.unstoredReset;
  core.unstoredReset = null;
  let append: AppendToLog | null = null;
  while (core.storedIndex < log.lastIndex) {
    if (append !== null) {
      core.effects.push({ type: 'store', hardState, reset, append, then: [] });
      hardState = null;
      reset = null;
    }
    const firstIndex = logIndex(core.storedIndex + 1);
    const { bytes, lastIndex } = log.slice(firstIndex, log.lastIndex, Infinity);
    append = { firstIndex, lastIndex, entries: bytes };
    core.storedIndex = lastIndex;
  }
  const hasNews = hardState !== null || reset !== null || append !== null;
  if (!hasNews && alsoThen.length === 0) {
    if (core.afterStore.length === 0) return;
    // It would wait for what storage is at in any case, and there is no end to what a leader wants answered meanwhile:
    // as requests of their own, the answers would fill the mailbox of whoever carries them out.
    if (core.storageBehindSinceMs !== null) return;
  }
  const then = alsoThen.length === 0 ? core.afterStore : [...core.afterStore, ...alsoThen];
  core.afterStore = [];
  core.effects.push({ type: 'store', hardState, reset, append, then });
}

/**
 * What the MachineActor receives: from consensus what has been committed and which queries may run, from the caller of
 * its own node the queries that need no consensus.
 */

import type { LogIndex } from '../../ids.js';

/** Committed entries in their binary form, following those of the previous message to the same life. Transferred. */
export interface ApplyEntries {
  readonly type: 'applyEntries';
  /** Which life of the objects they are for, as their `machineReady` said. Those for another one are ignored. */
  readonly life: number;
  readonly entries: ArrayBuffer;
}

/** A block of queries that may run once `index` has been applied. Transferred. */
export interface RunQueries {
  readonly type: 'runQueries';
  readonly queryId: number;
  readonly index: LogIndex;
  readonly block: ArrayBuffer;
}

/** Asked once: answered when the objects have been loaded, or could not be. */
export interface StartMachine {
  readonly type: 'start';
}

export type MachineMessage = ApplyEntries | RunQueries | StartMachine;

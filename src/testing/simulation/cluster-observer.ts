/**
 * Those who look on at a whole cluster for the sake of one kind of object: what is committed, and what the machine of
 * each node makes of it. Types only.
 */

import type { Core } from '../../actors/raft/state.js';
import type { Machine } from '../../actors/replicated/machine.js';
import type { CommittedCommand } from './checkers/committed-commands.js';

/** An entry that is committed, as it is told for the first time. */
export interface CommittedNews {
  readonly index: number;
  readonly kind: number;
  readonly payload: Uint8Array;
  /** Those that are to be run, in their order; empty where it is no block, or one that is to be skipped. */
  readonly commands: readonly CommittedCommand[];
}

export interface ClusterObserver {
  /** Told of each index, in their order. */
  committed?(entry: CommittedNews): void;
  /** The machine of a node has applied its next entry. */
  applied?(node: string, machine: Machine): void;
  /** The machine of a node begins with what a snapshot holds. */
  restored?(node: string, machine: Machine): void;
  /** The core of a node has taken a message. */
  stepped?(node: string, core: Core): void;
}

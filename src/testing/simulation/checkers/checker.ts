/**
 * What all checkers have in common: what they are told of, and what they know. Each watches over one promise, across
 * all nodes and all their lives, and looks at what has changed only.
 */

import type { RaftMessage } from '../../../actors/raft/messages.js';
import type { Core } from '../../../actors/raft/state.js';
import type { NodeId } from '../../../ids.js';
import type { NodeMessage } from '../../../net/transport.js';
import type { SimulatedDisk } from '../../simulated-disk.js';
import type { DurableLog } from '../durable-log.js';
import type { LogHistory } from './log-history.js';

/** Where a node keeps what it has, in one of its lives. */
export interface NodePlace {
  readonly disk: SimulatedDisk;
  /** A bit of it was turned: what it holds proves nothing. */
  readonly isRotten: boolean;
}

/** A node as checkers know it. */
export interface ObservedNode {
  readonly id: NodeId;
  /** Of its present life; null before its first step. */
  core: Core | null;
  /** Of its present life; null: nobody has said. */
  place: NodePlace | null;
  /** When it opened its data directory in its present life, by true time: before its core was made. */
  openedAtMs: number;
  /** Null: nothing of this node is on a disk. */
  durable: DurableLog | null;
  /** The memories that it has lost. */
  readonly lost: DurableLog[];
}

/** What checkers know. */
export interface CheckerContext {
  readonly nodes: ReadonlyMap<NodeId, ObservedNode>;
  readonly history: LogHistory;
  /** By the true time, which no node knows. */
  nowMs(): number;
  /** Says what is wrong with which promise. */
  report(promise: string, what: string): void;
}

export interface Checker {
  /** The core of a node has taken a message. */
  stepped?(node: ObservedNode, core: Core, message: RaftMessage): void;
  /** A node hands a message to its transport. */
  sent?(node: ObservedNode, to: NodeId, message: NodeMessage): void;
  /** A node begins another life: what is remembered of the former core is of no use. */
  restarted?(node: ObservedNode): void;
}

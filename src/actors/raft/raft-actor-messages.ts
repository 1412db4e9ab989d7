/**
 * What the RaftActor receives besides the messages of its peers: requests of its node's Caller, reports of its node's
 * MachineActor, and control. It is the only door between a node's threads and its consensus core.
 */

import type { LogIndex, NodeId, SessionId } from '../../ids.js';
import type { Store } from './effects.js';
import type { PeerMessage } from './messages.js';

/** Asked once: listens and connects. Answered when it listens, or cannot. */
export interface Start {
  readonly type: 'start';
}

/** Asked once: leaves the network. Answered when the port is free. */
export interface Stop {
  readonly type: 'stop';
}

/** A block of commands of this node's session. Transferred. */
export interface SubmitBlock {
  readonly type: 'submitBlock';
  readonly session: SessionId;
  readonly firstSeq: number;
  readonly block: ArrayBuffer;
}

/** The node needs a session. Sent at the start and after one has expired. */
export interface OpenSession {
  readonly type: 'openSession';
}

/** A block of queries to be run once reading is safe. Transferred. */
export interface ReadBlock {
  readonly type: 'readBlock';
  readonly queryId: number;
  readonly lease: boolean;
  readonly timeoutMs: number;
  readonly block: ArrayBuffer;
}

/** Asked: hand leadership over; answered when it has been, or has failed. */
export interface HandOver {
  readonly type: 'handOver';
  readonly target: NodeId | null;
}

/** The objects are loaded and hold nothing yet: send them the log from its start. */
export interface MachineReady {
  readonly type: 'machineReady';
  /** Drawn anew whenever the objects start, so that nothing is mixed up with what is meant for the objects before. */
  readonly life: number;
}

/** The objects have applied the log up to `index`; the rest tells how this node's own session stands there. */
export interface MachineApplied {
  readonly type: 'machineApplied';
  readonly life: number;
  readonly index: LogIndex;
  readonly session: SessionId | null;
  /** The session's commands below this have been applied. */
  readonly nextSeq: number;
  /** A block was skipped because one before it is missing: send all again. */
  readonly gap: boolean;
  /** This session is no more: drop what was submitted in it. */
  readonly expired: SessionId | null;
}

export type NodeMessage =
  | Start
  | Stop
  | SubmitBlock
  | OpenSession
  | ReadBlock
  | HandOver
  | MachineReady
  | MachineApplied;

/** From the transport, which calls from outside of any actor. */
export interface LinkUp {
  readonly type: 'linkUp';
  readonly peer: NodeId;
}

export interface LinkDown {
  readonly type: 'linkDown';
  readonly peer: NodeId;
}

/** From the log store, when it answers in a turn of its own. */
export interface Written {
  readonly type: 'written';
  readonly request: Store;
}

export type RaftActorMessage = NodeMessage | PeerMessage | LinkUp | LinkDown | Written | { readonly type: 'tick' };

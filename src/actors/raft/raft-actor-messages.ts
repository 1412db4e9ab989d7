/**
 * What the RaftActor receives besides the messages of its peers: requests of its node's Caller, reports of its node's
 * MachineActor, and control. It is the only door between a node's threads and its consensus core.
 */

import type { Incarnation, LastIncluded, LogIndex, NodeId, SessionId } from '../../ids.js';
import type { MembersChange, PeerMessage, TransferMessage } from './messages.js';

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
  /** The CRC-32 of the block. */
  readonly crc: number;
}

/** The node needs a session. Sent at the start and after one has expired. */
export interface OpenSession {
  readonly type: 'openSession';
}

/** A block of queries to be run once reading is safe. Transferred. */
export interface ReadBlock {
  readonly type: 'readBlock';
  /** The number of the machine that has the objects which they ask. */
  readonly machine: number;
  readonly queryId: number;
  readonly lease: boolean;
  readonly timeoutMs: number;
  readonly block: ArrayBuffer;
}

/** Asked: have leadership handed over; answered when it has been, or has failed. */
export interface HandOver {
  readonly type: 'handOver';
  readonly target: NodeId | null;
}

/**
 * Asked: have the members changed; answered when that has been begun, with where the log tells of it at the latest, or
 * refused, or may have been begun.
 */
export interface ChangeMembersRequest extends MembersChange {
  readonly type: 'changeMembers';
}

/** Asked: bring a version of the objects' code into force; answered when that has been begun, or refused. */
export interface SetCodeVersionRequest {
  readonly type: 'setCodeVersion';
  readonly version: number;
}

/** The objects are loaded: send them the log from behind `index` on. Again when they have been given a snapshot. */
export interface MachineReady {
  readonly type: 'machineReady';
  /** The machine's number on its node. */
  readonly machine: number;
  /** Drawn anew each time, so that nothing is mixed up with what is meant for the objects before. */
  readonly machineId: number;
  /** The snapshot that they hold; null: they hold nothing yet. */
  readonly snapshot: { readonly lastIncluded: LastIncluded; readonly configuration: Uint8Array | null } | null;
  /** How this node's session stands in it. */
  readonly session: SessionId | null;
  readonly nextSeq: number;
}

/** The objects have applied the log up to `index`; the rest tells how this node's own session stands there. */
export interface MachineApplied {
  readonly type: 'machineApplied';
  /** The machine's number on its node. */
  readonly machine: number;
  readonly machineId: number;
  readonly index: LogIndex;
  readonly session: SessionId | null;
  /** The session's commands below this have been applied. */
  readonly nextSeq: number;
  /** A block was skipped because one before it is missing: send all again. */
  readonly gap: boolean;
  /** This session is no more: drop what was submitted in it. */
  readonly expired: SessionId | null;
  /** The version of the objects' code that is in force there. */
  readonly codeVersion: number;
}

/** The log store has made this group's requests durable up to this one. */
export interface LogStored {
  readonly type: 'logStored';
  readonly request: number;
}

/** A snapshot is durable: from here on it is the one that is offered, and the log before it need not be kept. */
export interface SnapshotTaken {
  readonly type: 'snapshotTaken';
  readonly lastIncluded: LastIncluded;
  readonly snapshotId: string;
  readonly snapshotBytes: number;
  /** The last entry of the oldest snapshot kept; 0 if this is the only one. */
  readonly oldestIndex: LogIndex;
  /** All that there are, newest first: no other can be offered any more. */
  readonly keptIds: readonly string[];
}

/** The Snapshotter wants entries of the log: answered by `logPiece`s. */
export interface ReadLog {
  readonly type: 'readLog';
  readonly read: number;
  readonly firstIndex: LogIndex;
  readonly lastIndex: LogIndex;
}

/** The Snapshotter has something to say to another node's. */
export interface SendTransfer {
  readonly type: 'sendTransfer';
  readonly to: NodeId;
  readonly message: TransferMessage;
}

/** Asked: answered with {@link RaftFigures}. */
export interface MeasureRaft {
  readonly type: 'measure';
}

/** What there is to count of consensus since the node was started. */
export interface RaftFigures {
  /** Elections that this node has stood in; asking first whether it would win (pre-vote) is none. */
  readonly electionsStarted: number;
  readonly electionsWon: number;
  /** How often another node than before, or the same one in another term, was recognised as leader. */
  readonly leaderChanges: number;
  /** Blocks of commands of this node that were sent to a leader again. */
  readonly blocksRetried: number;
  /** Bytes that were handed to the disk and are not known to be durable. */
  readonly unstoredBytes: number;
}

export type NodeMessage =
  | Start
  | Stop
  | SubmitBlock
  | OpenSession
  | ReadBlock
  | HandOver
  | ChangeMembersRequest
  | SetCodeVersionRequest
  | MachineReady
  | MachineApplied
  | SnapshotTaken
  | ReadLog
  | SendTransfer
  | LogStored
  | MeasureRaft;

/** From the transport, which calls from outside of any actor. */
export interface LinkUp {
  readonly type: 'linkUp';
  readonly peer: NodeId;
  readonly incarnation: Incarnation;
  /** The highest version of the objects' code that it has. */
  readonly codeVersionMax: number;
}

export interface LinkDown {
  readonly type: 'linkDown';
  readonly peer: NodeId;
}

/** The next piece of what `readLog` has asked for is due; told to itself, so that other messages come between. */
export interface ReadOn {
  readonly type: 'readOn';
}

export type RaftActorMessage =
  | NodeMessage
  | PeerMessage
  | TransferMessage
  | LinkUp
  | LinkDown
  | ReadOn
  | { readonly type: 'tick' };

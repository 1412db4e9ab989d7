/**
 * The port through which nodes talk. An implementation delivers messages between two connected nodes in order, or drops
 * them; it never delivers one twice on one connection, never blocks its caller, and never keeps more than its limits
 * allow. Runs on the consensus thread.
 */

import type { PeerMessage, TransferMessage } from '../actors/raft/messages.js';
import type { Incarnation, NodeId } from '../ids.js';
import type { CodeHistory } from './code-history.js';
import type { Settings } from './settings.js';

/** What nodes say to each other. */
export type NodeMessage = PeerMessage | TransferMessage;

export interface Transport {
  /**
   * Starts to listen and to connect.
   *
   * @throws ConclaveError `ERR_ADDRESS_UNAVAILABLE` when the port cannot be listened on.
   */
  start(handler: TransportHandler): Promise<void>;
  /**
   * Sends a message, or drops it when the peer is not connected or too much is waiting for it already. The bytes that
   * it carries may be looked at until they have been sent, and so must never change.
   */
  send(to: NodeId, message: NodeMessage): void;
  /** Puts on the wire what `send` has gathered since the last call: called once at the end of each batch. */
  flush(): void;
  /**
   * Whom to be connected to from now on. Whoever is not among them any more stays connected for as long as the
   * connection stands; and who connects by itself need not be among them.
   */
  setPeers(peers: readonly NodeId[]): void;
  /** Is there a connection to this peer now? */
  isConnected(peer: NodeId): boolean;
  /** Closes every connection and the listening socket. After this nothing is delivered. */
  stop(): Promise<void>;
}

/**
 * What comes of a peer's connections, one after the other and never mixed: `onConnected`, the messages of that
 * connection, `onDisconnected`. A peer that connects again while its old connection still stands takes the old one's
 * place, which ends first. So every message belongs to the incarnation that was named last.
 */
export interface TransportHandler {
  /** `message.from` is who the connection's hello named, whatever the bytes said. */
  onMessage(message: NodeMessage): void;
  /**
   * A connection stands; `incarnation` may be another one than before, and so may the newest version of the peer's
   * code.
   */
  onConnected(peer: NodeId, incarnation: Incarnation, codeVersionMax: number): void;
  /** The connection is no more: nothing of it will be delivered, and what was sent on it may be lost. */
  onDisconnected(peer: NodeId, reason: string): void;
}

/** How a transport knows itself and its peers. */
export interface TransportOptions {
  /** The cluster's name: a hello that names another one is refused. */
  readonly cluster: string;
  readonly self: NodeId;
  /**
   * Names what this node remembers: the same after a restart that forgot nothing, another one after a loss of memory.
   */
  readonly incarnation: Incarnation;
  /** Whom to be connected to at first. */
  readonly peers: readonly NodeId[];
  /**
   * Do the peers not know of this node yet? Then it dials all of them at once, also those that it would be for to dial
   * it. Default: false.
   */
  readonly isNew?: boolean;
  /** What must be the same on all nodes: a hello with other settings is refused. At most 1 KiB, encoded. */
  readonly settings: Settings;
  /** What the code of the node's objects can carry out: a hello that contradicts it is refused. */
  readonly code: CodeHistory;
}

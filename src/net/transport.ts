/**
 * The port through which nodes talk. An implementation delivers messages between two connected nodes in order, or drops
 * them; it never delivers one twice on one connection, never blocks its caller, and never keeps more than its limits
 * allow. Runs on the consensus thread.
 */

import type { Incarnation, NodeId } from '../ids.js';
import type { PeerMessage } from '../actors/raft/messages.js';
import type { Settings } from './settings.js';

export interface Transport {
  /**
   * Starts to listen and to connect.
   *
   * @throws ConclaveError `ERR_ADDRESS_UNAVAILABLE` when the port cannot be listened on.
   */
  start(handler: TransportHandler): Promise<void>;
  /** Sends a message, or drops it when the peer is not connected or too much is waiting for it already. */
  send(to: NodeId, message: PeerMessage): void;
  /** Puts on the wire what `send` has gathered since the last call: called once at the end of each batch. */
  flush(): void;
  /** Is there a connection to this peer now? */
  isConnected(peer: NodeId): boolean;
  /** Closes every connection and the listening socket. After this nothing is delivered. */
  stop(): Promise<void>;
}

export interface TransportHandler {
  /** `message.from` is who the connection's hello named, whatever the bytes said. */
  onMessage(message: PeerMessage): void;
  onConnected(peer: NodeId, incarnation: Incarnation): void;
  onDisconnected(peer: NodeId, reason: string): void;
}

/** How a transport knows itself and its peers. */
export interface TransportOptions {
  /** The cluster's name: a hello that names another one is refused. */
  readonly cluster: string;
  readonly self: NodeId;
  readonly incarnation: Incarnation;
  readonly peers: readonly NodeId[];
  /** What must be the same on all nodes: a hello with other settings is refused. At most 2 KiB, encoded. */
  readonly settings: Settings;
}

/**
 * Where a node's actors run: the port that hides threads from the runtime. One implementation puts consensus and
 * objects on threads of their own, the other puts everything on the caller's event loop.
 */

import type { ActorAddress } from '../runtime/actor.js';
import type { ActorSystem } from '../runtime/actor-system.js';
import type { MachineActorData } from '../actors/replicated/machine-actor.js';
import type { ConsensusData } from './consensus-actor.js';

/** How long the modules of the objects may take to load, and their constructors to run. */
export const OBJECTS_TIMEOUT_MS = 30_000;

/** The names by which a node's actors find each other. */
export interface NodeAddresses {
  readonly raft: ActorAddress;
  readonly machine: ActorAddress;
  readonly caller: ActorAddress;
}

/** What a placement reports to the runtime. */
export interface PlacementEvents {
  /** The node cannot go on: `ERR_OBJECT_FAILED` when its objects cannot be brought back. */
  onFailure(error: Error): void;
  /** The objects' thread has ended; it is being brought back. */
  onMachineLost(error: Error): void;
  /** The objects stand again, on a new thread. */
  onMachineBack(): void;
}

export interface Placement {
  readonly addresses: NodeAddresses;
  /** The system on the caller's own thread. */
  readonly main: ActorSystem;
  /** Starts the node's actors; `ERR_INVALID_OBJECT` or the like when the objects cannot be loaded. */
  start(consensus: ConsensusData, machine: MachineActorData): Promise<void>;
  /** Ends every thread and actor. Settles whatever still waits. */
  stop(): Promise<void>;
}

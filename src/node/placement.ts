/**
 * Where a node's actors run: the port that hides threads from the runtime. One implementation puts consensus, objects
 * and storage on threads of their own, the other puts everything on the caller's event loop.
 */

import type { ActorAddress } from '../runtime/actor.js';
import type { ActorSystem } from '../runtime/actor-system.js';
import type { ThreadFigures } from '../runtime/thread-figures.js';
import type { ManualScheduler } from '../runtime/manual-scheduler.js';
import type { NodeLogStoreData } from '../actors/log-store/log-store-actor.js';
import type { MachineActorData } from '../actors/replicated/machine-actor.js';
import type { SnapshotterData } from '../actors/snapshotter/snapshotter-actor.js';
import type { ConsensusData } from './consensus-actor.js';

/**
 * How long the objects may take to be there: their modules, their constructors, and the snapshot that they begin with.
 */
export const OBJECTS_TIMEOUT_MS = 10 * 60_000;

/** The names by which a node's actors find each other. */
export interface NodeAddresses {
  readonly raft: ActorAddress;
  /** By their numbers; the default one comes first. */
  readonly machines: readonly ActorAddress[];
  readonly caller: ActorAddress;
  readonly snapshotter: ActorAddress;
  readonly logStore: ActorAddress;
  /** On the caller's own thread; there is one on nodes that administrators can reach. */
  readonly administration: ActorAddress;
}

/** What a node's actors are made from. */
export interface NodeParts {
  readonly consensus: Omit<ConsensusData, 'recovered'>;
  /** By their numbers. */
  readonly machines: readonly MachineActorData[];
  readonly snapshotter: SnapshotterData;
  /** Null: the log is in memory only. */
  readonly logStore: NodeLogStoreData | null;
}

/** What a placement reports to the runtime. */
export interface PlacementEvents {
  /**
   * The node cannot go on: `ERR_OBJECT_FAILED` when its objects cannot be brought back, `ERR_STORAGE` when its disk
   * fails.
   */
  onFailure(error: Error): void;
  /** The thread of a machine, by its number, has ended; it is being brought back. */
  onMachineLost(machine: number, error: Error): void;
  /** The objects of a machine stand again, on a new thread. */
  onMachineBack(machine: number): void;
}

export interface Placement {
  readonly addresses: NodeAddresses;
  /** The system on the caller's own thread. */
  readonly main: ActorSystem;
  /** Who gives the actors their turns where the node's user ticks them; null: they take them by themselves. */
  readonly ticks: ManualScheduler | null;
  /** The objects by name, as they are now, where they live on the caller's own thread; null: they do not. */
  readonly localObjects: ReadonlyMap<string, object> | null;
  /**
   * Starts the node's actors, which go on from what they find on the disk; `ERR_INVALID_OBJECT` or the like when the
   * objects cannot be loaded, `ERR_STORAGE` or `ERR_STORAGE_CORRUPT` when the disk cannot be read.
   */
  start(parts: NodeParts): Promise<void>;
  /**
   * What there is to count of each thread; null for one that has ended, or is too busy to answer in time. Never
   * rejects.
   */
  measure(timeoutMs: number): Promise<ReadonlyMap<string, ThreadFigures | null>>;
  /** Ends every thread and actor. Settles whatever still waits. */
  stop(): Promise<void>;
}

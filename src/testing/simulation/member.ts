/**
 * One place in a simulated cluster, and what is known of who is there. A record: whoever starts, ends and harms nodes
 * writes to it.
 */

import type { ObjectDefinitions } from '../../actors/replicated/object-definition.js';
import type { NodeId } from '../../ids.js';
import type { Runtime } from '../../node/runtime.js';
import type { SimulatedDisk } from '../simulated-disk.js';
import type { SimulatedNode } from './simulated-node.js';
import type { ClockError } from './simulated-process.js';

/** One place in a cluster, through all the lives and disks of its node. */
export class Member<Definitions extends ObjectDefinitions = ObjectDefinitions> {
  /** The node's address; a name of its own for an observer. */
  readonly name: NodeId;
  readonly isObserver: boolean;
  disk: SimulatedDisk;
  clock: ClockError;
  /** Null: it is not there. Without a runtime: it starts. */
  node: SimulatedNode<Definitions> | null = null;
  /** Of the last node that was up; null: none ever was. */
  lastRuntime: Runtime<Definitions> | null = null;
  lives = 0;
  /** A bit of its files has been turned: it may refuse them. */
  isRotten = false;
  /** Its disk was made to refuse: it may fail. */
  isTroubled = false;
  /** In its present life it has said that it was removed, and stops. */
  isRemoved = false;
  /** It is to be started again by whoever has ended it. */
  isAway = false;
  /** It is being stopped in order until this resolves. */
  stopping: Promise<void> | null = null;
  /** It waits to be added, and founds nothing. */
  joins = false;
  /** It was removed, and nobody starts it any more. */
  isRetired = false;
  /**
   * The highest code version that the code has which it is started with. To be changed only while its node is not
   * there.
   */
  build = 0;

  constructor(name: NodeId, isObserver: boolean, disk: SimulatedDisk, clock: ClockError) {
    this.name = name;
    this.isObserver = isObserver;
    this.disk = disk;
    this.clock = clock;
  }

  get hasStarted(): boolean {
    return this.lastRuntime !== null;
  }

  /** The runtime of a node that is up. */
  get runtime(): Runtime<Definitions> | null {
    return this.node?.runtime ?? null;
  }
}

/**
 * What becomes of a node, as its placement reports it and its runtime goes by it. On the thread that started the node;
 * remembers what happens before somebody listens.
 */

import { EventEmitter } from 'eventemitter3';
import type { PlacementEvents } from './placement.js';

interface NodeFateEvents {
  failure: (error: Error) => void;
  machineLost: (error: Error) => void;
  machineBack: () => void;
  ready: () => void;
  /** There is news of how the node stands. */
  status: () => void;
  /** Stopped, or failed for good. */
  ended: () => void;
}

export class NodeFate extends EventEmitter<NodeFateEvents> implements PlacementEvents {
  failure: Error | null = null;
  isMachineUp = true;

  onFailure(error: Error): void {
    if (this.failure !== null) return;
    this.failure = error;
    this.emit('failure', error);
  }

  onMachineLost(error: Error): void {
    this.isMachineUp = false;
    this.emit('machineLost', error);
  }

  onMachineBack(): void {
    this.isMachineUp = true;
    this.emit('machineBack');
  }
}

/**
 * What becomes of a node, as its placement reports it and its runtime goes by it. On the thread that started the node;
 * remembers what happens before somebody listens.
 */

import { EventEmitter } from 'eventemitter3';
import type { PlacementEvents } from './placement.js';

interface NodeFateEvents {
  failure: (error: Error) => void;
  machineLost: (machine: number, error: Error) => void;
  machineBack: (machine: number) => void;
  ready: () => void;
  /** There is news of how the node stands. */
  status: () => void;
  /** Stopped, or failed for good. */
  ended: () => void;
}

export class NodeFate extends EventEmitter<NodeFateEvents> implements PlacementEvents {
  failure: Error | null = null;
  /** Has `ended` been told? */
  hasEnded = false;
  readonly #lost = new Map<number, Error>();

  /** The machines whose threads have ended and are being brought back, and why they have. */
  get lostMachines(): ReadonlyMap<number, Error> {
    return this.#lost;
  }

  onFailure(error: Error): void {
    if (this.failure !== null) return;
    this.failure = error;
    this.emit('failure', error);
  }

  end(): void {
    this.hasEnded = true;
    this.emit('ended');
  }

  onMachineLost(machine: number, error: Error): void {
    this.#lost.set(machine, error);
    this.emit('machineLost', machine, error);
  }

  onMachineBack(machine: number): void {
    this.#lost.delete(machine);
    this.emit('machineBack', machine);
  }
}

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
  /** The machines whose threads have ended and are being brought back. */
  readonly #lost = new Set<number>();

  get areMachinesUp(): boolean {
    return this.#lost.size === 0;
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
    this.#lost.add(machine);
    this.emit('machineLost', machine, error);
  }

  onMachineBack(machine: number): void {
    this.#lost.delete(machine);
    this.emit('machineBack', machine);
  }
}

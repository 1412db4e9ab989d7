/**
 * A number that is created at run time with a value to begin with, and grows. Of two classes, which must not be taken
 * for each other.
 */

import { context } from '../../../actors/replicated/command-context.js';
import { query, replicated } from '../../../actors/replicated/decorators.js';

/** What those who watch a cell are told. */
export interface CellChange {
  readonly type: 'add';
  readonly previous: number;
  readonly value: number;
}

export class SimulationCell {
  static readonly module = import.meta.url;
  declare readonly changes: CellChange;
  private value: number;

  constructor(first: number) {
    this.value = first;
  }

  /** Returns what it holds then. */
  @replicated add(amount: number): number {
    const previous = this.value;
    this.value += amount;
    context().changed({ type: 'add', previous, value: this.value } satisfies CellChange);
    return this.value;
  }

  @query get(): number {
    return this.value;
  }
}

/** The same under another name. */
export class SimulationTally extends SimulationCell {
  static override readonly module = import.meta.url;
}

export const CELL_CLASSES = { SimulationCell, SimulationTally } as const;

/** Few, so that they are created again and again. */
export const CELL_NAMES = ['p', 'q', 'r'] as const;

export type CellClass = keyof typeof CELL_CLASSES;

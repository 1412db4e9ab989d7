/** An ordered record of what was done, so that anything lost, doubled or out of order shows. */

import { query, replicated } from '../../../actors/replicated/decorators.js';

export class SimulationJournal {
  static readonly module = import.meta.url;
  private readonly ids: string[] = [];
  /** Makes log and snapshots grow. */
  private last = '';

  /** Returns how many there are then. */
  @replicated append(id: string, filler: string): number {
    this.last = filler;
    return this.ids.push(id);
  }

  /** The same, but the caller is told that it threw. */
  @replicated appendAndThrow(id: string): never {
    this.ids.push(id);
    throw new Error(`${id} was appended`);
  }

  @query all(): string[] {
    return [...this.ids];
  }

  @query count(): number {
    return this.ids.length;
  }

  @query lastFiller(): string {
    return this.last;
  }
}

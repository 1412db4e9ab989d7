/**
 * A class to be replicated by crash tests: an ordered record of what was done, so that anything lost or doubled shows.
 */

import { query, replicated } from '../../../../../src/actors/replicated/decorators.js';

export class Journal {
  static readonly module = import.meta.url;
  private readonly ids: number[] = [];
  /** Makes log and state grow. */
  private last = '';

  /** Returns how many there are then. */
  @replicated append(id: number, filler: string): number {
    this.last = filler;
    return this.ids.push(id);
  }

  @query all(): number[] {
    return [...this.ids];
  }

  @query lastFiller(): string {
    return this.last;
  }
}

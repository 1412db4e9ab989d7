/** A list of notes: the class that is replicated. */

import { query, replicated } from 'conclave';

export class Notes {
  static readonly module = import.meta.url;
  private readonly notes: string[] = [];

  /** Returns how many notes there are then. */
  @replicated add(note: string): number {
    return this.notes.push(note);
  }

  @query all(): string[] {
    return this.notes;
  }
}

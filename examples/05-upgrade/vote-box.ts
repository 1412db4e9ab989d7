/** A box of votes: the class that is replicated, as it was first written. */

import { query, replicated } from 'conclave';

export class VoteBox {
  static readonly module: string = import.meta.url;
  protected readonly votes = new Map<string, number>();

  /** Returns how many votes the name has then. */
  @replicated vote(name: string): number {
    const count = (this.votes.get(name) ?? 0) + 1;
    this.votes.set(name, count);
    return count;
  }

  @query result(): [name: string, votes: number][] {
    return [...this.votes];
  }
}

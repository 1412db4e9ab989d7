/**
 * A record that says of each command which version of its code has run it, and the three editions of its code: each
 * adds to the one before it, fields too, and keeps what that did. So any of them can go on with what another one has
 * left.
 */

import { query, replicated } from '../../../actors/replicated/decorators.js';

/** Where the command stands, and by which version it was run. */
export type EditionAnswer = readonly [position: number, version: number];

/** How many commands each version has run that has a field for them. */
export type EditionTally = Readonly<Partial<Record<1 | 2, number>>>;

export class FirstEdition {
  static readonly module: string = import.meta.url;
  private readonly entries: string[] = [];

  @replicated add(id: string): EditionAnswer {
    return this.note(id, 0);
  }

  @query all(): string[] {
    return [...this.entries];
  }

  @query tally(): EditionTally {
    return {};
  }

  protected note(id: string, version: number): EditionAnswer {
    return [this.entries.push(`${id} by ${version}`), version];
  }
}

export class SecondEdition extends FirstEdition {
  static override readonly module = import.meta.url;
  /** Older code does not know it. */
  private seconds = 0;

  @replicated({ version: 1, of: 'add' }) addSecondly(id: string): EditionAnswer {
    this.seconds++;
    return this.note(id, 1);
  }

  /** There is none before. */
  @replicated({ version: 1 }) mark(id: string): EditionAnswer {
    this.seconds++;
    return this.note(id, 1);
  }

  @query override tally(): EditionTally {
    return { 1: this.seconds };
  }
}

export class ThirdEdition extends SecondEdition {
  static override readonly module = import.meta.url;
  private readonly thirds = new Set<string>();

  @replicated({ version: 2, of: 'add' }) addThirdly(id: string): EditionAnswer {
    this.thirds.add(id);
    return this.note(id, 2);
  }

  @replicated({ version: 2, of: 'mark' }) markThirdly(id: string): EditionAnswer {
    this.thirds.add(id);
    return this.note(id, 2);
  }

  @query override tally(): EditionTally {
    return { ...super.tally(), 2: this.thirds.size };
  }
}

/** By the highest code version that each has. */
export const EDITIONS = [FirstEdition, SecondEdition, ThirdEdition] as const;

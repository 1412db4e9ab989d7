/**
 * A record that says of each command which version of its code has run it, and the three editions of its code: each adds to
 * the one before it, and keeps what that did. All have the same state, so that any of them can go on with what another one has left.
 */

import { query, replicated } from '../../../actors/replicated/decorators.js';

/** Where the command stands, and by which version it was run. */
export type EditionAnswer = readonly [position: number, version: number];

export class FirstEdition {
  static readonly module: string = import.meta.url;
  private readonly entries: string[] = [];

  @replicated add(id: string): EditionAnswer {
    return this.note(id, 0);
  }

  @query all(): string[] {
    return [...this.entries];
  }

  protected note(id: string, version: number): EditionAnswer {
    return [this.entries.push(`${id} by ${version}`), version];
  }
}

export class SecondEdition extends FirstEdition {
  static override readonly module = import.meta.url;

  @replicated({ version: 1, of: 'add' }) addSecondly(id: string): EditionAnswer {
    return this.note(id, 1);
  }

  /** There is none before. */
  @replicated({ version: 1 }) mark(id: string): EditionAnswer {
    return this.note(id, 1);
  }
}

export class ThirdEdition extends SecondEdition {
  static override readonly module = import.meta.url;

  @replicated({ version: 2, of: 'add' }) addThirdly(id: string): EditionAnswer {
    return this.note(id, 2);
  }

  @replicated({ version: 2, of: 'mark' }) markThirdly(id: string): EditionAnswer {
    return this.note(id, 2);
  }
}

/** By the highest code version that each has. */
export const EDITIONS = [FirstEdition, SecondEdition, ThirdEdition] as const;

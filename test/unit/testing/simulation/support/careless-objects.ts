/** Classes as users write them: one that is as it should be, and some with the mistakes that simulations must find. */

import { query, replicated } from '../../../../../src/actors/replicated/decorators.js';

export class Tally {
  static readonly module = import.meta.url;
  private total = 0;

  @replicated add(amount: number): number {
    this.total += amount;
    return this.total;
  }

  @query get(): number {
    return this.total;
  }
}

/** Draws from chance that every node has of its own. */
export class Lottery {
  static readonly module = import.meta.url;
  private readonly tickets: number[] = [];

  @replicated draw(): number {
    return this.tickets.push(Math.random());
  }
}

let served = 0;

/** Counts outside of its state, which a restart forgets. */
export class Counterfoil {
  static readonly module = import.meta.url;
  private last = 0;

  @replicated next(): number {
    served += 1;
    this.last = served;
    return this.last;
  }
}

/** Looks at the clock of its node. */
export class Logbook {
  static readonly module = import.meta.url;
  private readonly entries: [atMs: number, text: string][] = [];

  @replicated write(text: string): number {
    return this.entries.push([performance.now(), text]);
  }
}

/** Takes money that is not there, when two ask at once. */
export class Purse {
  static readonly module = import.meta.url;
  private coins = 10;

  @replicated take(count: number, seen: number): boolean {
    if (seen < count) return false;
    this.coins -= count;
    return true;
  }

  @query left(): number {
    return this.coins;
  }
}

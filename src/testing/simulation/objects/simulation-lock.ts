/** A lock that is asked for, never waited for. */

import { query, replicated } from '../../../actors/replicated/decorators.js';

export class SimulationLock {
  static readonly module = import.meta.url;
  private owner: string | null = null;

  /** Returns whether `owner` holds it from now on. One who holds it already is refused. */
  @replicated tryAcquire(owner: string): boolean {
    if (this.owner !== null) return false;
    this.owner = owner;
    return true;
  }

  /** Returns whether `owner` has held it until now. */
  @replicated release(owner: string): boolean {
    if (this.owner !== owner) return false;
    this.owner = null;
    return true;
  }

  @query holder(): string | null {
    return this.owner;
  }
}

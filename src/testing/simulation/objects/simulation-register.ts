/** One value that is read, written, and replaced if it is what one takes it for. */

import { query, replicated } from '../../../actors/replicated/decorators.js';

export class SimulationRegister {
  static readonly module = import.meta.url;
  private value = 0;

  @replicated write(value: number): void {
    this.value = value;
  }

  /** Returns whether it has replaced `expected`. */
  @replicated compareAndSet(expected: number, value: number): boolean {
    if (this.value !== expected) return false;
    this.value = value;
    return true;
  }

  @query read(): number {
    return this.value;
  }
}

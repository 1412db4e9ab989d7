/**
 * An object as a user of Conclave writes one: an ordinary class, with marks on what changes it and on what reads it.
 */

import { query, replicated } from 'conclave';

export class Account {
  static readonly module = import.meta.url;
  private balance = 0;

  /** Adds to the balance and returns the new one. */
  @replicated deposit(amount: number): number {
    if (!(amount > 0)) throw new RangeError(`A deposit must be more than zero, not ${amount}.`);
    this.balance += amount;
    return this.balance;
  }

  @query get(): number {
    return this.balance;
  }
}

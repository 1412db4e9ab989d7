/**
 * Finds state that no snapshot can hold soon after the command that has put it there, at a cost that does not depend on
 * how much state there is. Owned by the object's machine, on the object's thread; it runs no code of the user and
 * changes nothing. Of objects with hooks it sees to their class only: what their state is only `snapshot()` can tell.
 */

import type { ConclaveError } from '../../../errors.js';
import type { LoadedObject } from '../object-definition.js';
import { Closure, fieldKeys, isOfOtherClass, isPlainProperty } from './container-kinds.js';
import { hasHooks } from './state-hooks.js';
import { refusalInFields, refusalOfInstance } from './state-not-encodable.js';
import { StateSweep } from './state-sweep.js';

export class StateWatch {
  readonly #object: LoadedObject;
  readonly #isWatched: boolean;
  /** What the fields held at the last look, in their order. */
  #values: readonly unknown[] = [];
  /** Over the fields that have got another value. */
  #newSweep: StateSweep | null = null;
  /** Over all fields, for as many checks as it takes. */
  #fullSweep: StateSweep | null = null;

  constructor(object: LoadedObject) {
    this.#object = object;
    this.#isWatched = !hasHooks(object.instance);
  }

  /** Looks at the whole state, however long that takes: the error for what no snapshot can hold, or null. */
  checkAll(): ConclaveError | null {
    return this.#isWatched ? refusalInFields(this.#object) : refusalOfInstance(this.#object);
  }

  /**
   * Looks at the fields, and at about `budget` values within: first at what has been put into a field since the last
   * check, then at the rest in turn, going on where the last check has ended. So a state of up to `budget` values is
   * looked at wholly each time, and a larger one within a few times size ÷ budget checks. One exception: within a plain
   * object of more than 10,000 properties it looks only once, for the engine can list them only all at once.
   *
   * Returns the error for what was found, or null. Never throws, whatever the state is.
   */
  check(budget: number): ConclaveError | null {
    if (!this.#isWatched) return refusalOfInstance(this.#object);
    try {
      const isUnfit = this.#checkFields() || this.#sweep(budget);
      if (!isUnfit) return null;
      this.#newSweep = null;
      this.#fullSweep = null;
      // Null when it was found in what is no longer part of the state.
      return refusalInFields(this.#object);
    } catch {
      // The engine itself may refuse, for want of memory or stack. The command is not to blame for that.
      this.#newSweep = null;
      this.#fullSweep = null;
      return null;
    }
  }

  /** True when a field is none that a snapshot can hold; what is in it is for the sweeps. */
  #checkFields(): boolean {
    const { instance, prototype } = this.#object;
    const keys = fieldKeys(instance);
    if (keys === null || isOfOtherClass(instance, prototype)) return true;
    const before = this.#values;
    const values: unknown[] = [];
    let added: unknown[] | null = null;
    for (let i = 0; i < keys.length; i++) {
      const property = Object.getOwnPropertyDescriptor(instance, keys[i]!);
      if (property === undefined || !isPlainProperty(property, Closure.open)) return true;
      const value: unknown = property.value;
      if (typeof value === 'function' || typeof value === 'symbol') return true;
      values.push(value);
      if (typeof value === 'object' && value !== before[i] && before.length > 0) (added ??= []).push(value);
    }
    this.#values = values;
    if (added !== null) this.#newSweep = new StateSweep(added, instance);
    return false;
  }

  /** True when something was found. */
  #sweep(budget: number): boolean {
    let left = budget;
    if (this.#newSweep !== null) {
      // Half for the rest, lest a field that is replaced all the time keeps the sweep from ever getting round.
      const half = Math.ceil(budget / 2);
      left -= half - this.#newSweep.run(half);
      if (this.#newSweep.isUnfit) return true;
      if (this.#newSweep.isDone) this.#newSweep = null;
    }
    let isFromStart = false;
    while (left > 0 && !isFromStart) {
      isFromStart = this.#fullSweep === null;
      this.#fullSweep ??= new StateSweep(this.#values, this.#object.instance);
      left = this.#fullSweep.run(left);
      if (this.#fullSweep.isUnfit) return true;
      if (!this.#fullSweep.isDone) return false;
      this.#fullSweep = null;
    }
    return false;
  }
}

/**
 * The end of a simulated machine: what every operation of a `SimulatedDisk` throws from its crash on. Not a
 * `ConclaveError`, for no code may catch it and go on: a process that has died handles nothing.
 */

export class SimulatedCrash extends Error {
  override readonly name = 'SimulatedCrash';

  /** Did it come with the next operation of a kind, see `SimulatedDisk.crashAtNext`, and not at one by its number? */
  readonly isAtKind: boolean;

  /** `operation` is the number of the operation that the disk crashed at, `what` says which one that was. */
  constructor(operation: number, what: string, isAtKind: boolean) {
    super(`The simulated machine has crashed at operation ${operation}: ${what}.`);
    this.isAtKind = isAtKind;
  }
}

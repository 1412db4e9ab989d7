/**
 * Who looks on while a machine works, on its thread: simulations, which compare what the machines of all nodes do. A
 * node in production has none.
 */

import type { Machine } from './machine.js';
import type { Verdict } from './session-table.js';

export interface MachineWitness {
  /** The last entry has been applied; `verdict` is what became of the block in it, null where it is none. */
  applied(machine: Machine, verdict: Verdict | null): void;
  /** The machine begins with what a snapshot holds. */
  restored(machine: Machine): void;
}

/**
 * State-machine safety: the objects of all nodes, in all their lives, hold the same once they have applied the same. Looks
 * at every so many entries, at every snapshot that objects begin with, and at the end.
 */

import type { Machine } from '../../../actors/replicated/machine.js';
import { writeState } from '../../../actors/replicated/state/write-state.js';
import { crc32 } from '../../../checksum.js';

const never = (): undefined => undefined;

export class EqualStates {
  readonly #report: (promise: string, what: string) => void;
  readonly #lookEvery: number;
  /** The machines that each node has had last, by their numbers. */
  readonly #machines = new Map<string, Map<number, Machine>>();
  /** By index that was looked at: the checksum of each object's state, and who was looked at first. */
  readonly #states = new Map<number, Map<string, { readonly by: string; readonly checksum: number }>>();

  /** Looking at a state costs as much as applying many commands, so that is done after every `lookEvery` entries. */
  constructor(report: (promise: string, what: string) => void, lookEvery: number) {
    this.#report = report;
    this.#lookEvery = lookEvery;
  }

  applied(node: string, machine: Machine): void {
    this.#note(node, machine);
    if (machine.appliedIndex % this.#lookEvery === 0) this.#look(node, machine);
  }

  /** The objects of a node begin with what a snapshot holds. */
  restored(node: string, machine: Machine): void {
    this.#note(node, machine);
    this.#look(node, machine);
  }

  /** Nothing is under way: all nodes have the same. */
  lookAtAll(): void {
    for (const [node, machines] of this.#machines) for (const machine of machines.values()) this.#look(node, machine);
  }

  #note(node: string, machine: Machine): void {
    const machines = this.#machines.get(node);
    if (machines === undefined) this.#machines.set(node, new Map([[machine.part.machine, machine]]));
    else machines.set(machine.part.machine, machine);
  }

  #look(node: string, machine: Machine): void {
    const { appliedIndex } = machine;
    const states = this.#states.get(appliedIndex) ?? new Map<string, { by: string; checksum: number }>();
    this.#states.set(appliedIndex, states);
    for (const [object, checksum] of checksumsOf(machine)) {
      const known = states.get(object);
      if (known === undefined) states.set(object, { by: node, checksum });
      if (known === undefined || known.checksum === checksum) continue;
      const what =
        `after entry ${appliedIndex}, the object ${object} is not the same on ${node} as on ${known.by}: one of its commands ` +
        'is not deterministic, or something else than commands has changed it';
      this.#report('equal states', what);
      return;
    }
  }
}

function checksumsOf({ objects }: Machine): ReadonlyMap<string, number> {
  const checksums = new Map<string, number>();
  for (const object of objects) {
    let checksum = 0;
    const add = (bytes: Uint8Array): void => {
      checksum = crc32(bytes, checksum);
    };
    // All of it is written before this returns, save what a hook returns later: that is left to snapshots, which compare.
    writeState(object, add, never).catch(never);
    checksums.set(object.name, checksum);
  }
  return checksums;
}

/**
 * State-machine safety: the objects of all nodes, in all their lives, hold the same once they have applied the same. Looks
 * at every so many entries, at every snapshot that objects begin with, and at the end.
 */

import { createdPrefix } from '../../../actors/replicated/command-name.js';
import type { Machine } from '../../../actors/replicated/machine.js';
import { writeState } from '../../../actors/replicated/state/write-state.js';
import { crc32 } from '../../../checksum.js';

const never = (): undefined => undefined;

export class EqualStates {
  readonly #report: (promise: string, what: string) => void;
  readonly #lookEvery: number;
  /** The machine that each node has had last. */
  readonly #machines = new Map<string, Machine>();
  /** The checksum of each object's state at each index that was looked at, and who was looked at first. */
  readonly #states = new Map<number, { readonly by: string; readonly checksums: ReadonlyMap<string, number> }>();

  /** Looking at a state costs as much as applying many commands, so that is done after every `lookEvery` entries. */
  constructor(report: (promise: string, what: string) => void, lookEvery: number) {
    this.#report = report;
    this.#lookEvery = lookEvery;
  }

  applied(node: string, machine: Machine): void {
    this.#machines.set(node, machine);
    if (machine.appliedIndex % this.#lookEvery === 0) this.#look(node, machine);
  }

  /** The objects of a node begin with what a snapshot holds. */
  restored(node: string, machine: Machine): void {
    this.#machines.set(node, machine);
    this.#look(node, machine);
  }

  /** Nothing is under way: all nodes have the same. */
  lookAtAll(): void {
    for (const [node, machine] of this.#machines) this.#look(node, machine);
  }

  #look(node: string, machine: Machine): void {
    const { appliedIndex } = machine;
    const checksums = checksumsOf(machine);
    const known = this.#states.get(appliedIndex);
    if (known === undefined) {
      this.#states.set(appliedIndex, { by: node, checksums });
      return;
    }
    for (const object of new Set([...checksums.keys(), ...known.checksums.keys()])) {
      if (known.checksums.get(object) === checksums.get(object)) continue;
      const what =
        `after entry ${appliedIndex}, the object ${object} is not the same on ${node} as on ${known.by}: one of its commands ` +
        'is not deterministic, or something else than commands has changed it';
      this.#report('equal states', what);
      return;
    }
  }
}

/** By the name of the object, or the prefix that the methods of a created one have. */
function checksumsOf({ objects, created }: Machine): ReadonlyMap<string, number> {
  const checksums = new Map<string, number>();
  const all = [
    ...objects.map((object) => [object.name, object] as const),
    ...created.map((object) => [createdPrefix(object.name), object] as const),
  ];
  for (const [name, object] of all) {
    let checksum = 0;
    const add = (bytes: Uint8Array): void => {
      checksum = crc32(bytes, checksum);
    };
    // All of it is written before this returns, save what a hook returns later: that is left to snapshots, which compare.
    writeState(object, add, never).catch(never);
    checksums.set(name, checksum);
  }
  return checksums;
}

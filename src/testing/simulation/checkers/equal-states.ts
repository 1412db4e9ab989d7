/**
 * State-machine safety: the objects of all nodes, in all their lives, hold the same once they have applied the same.
 * Looks at every so many entries, at every snapshot that objects begin with, and at the end.
 */

import { createdPrefix } from '../../../actors/replicated/command-name.js';
import type { Machine } from '../../../actors/replicated/machine.js';
import { machineOf, type MachinePart } from '../../../actors/replicated/object-places.js';
import { writeState } from '../../../actors/replicated/state/write-state.js';
import { crc32 } from '../../../checksum.js';

const never = (): undefined => undefined;

/** What a machine had when it was looked at. */
interface Look {
  readonly by: string;
  /** What it is in charge of. */
  readonly part: MachinePart;
  readonly checksums: ReadonlyMap<string, number>;
}

export class EqualStates {
  readonly #report: (promise: string, what: string) => void;
  readonly #lookEvery: number;
  readonly #leftOut = new Set<string>();
  /** The machines that each node has had last, by their numbers. */
  readonly #machines = new Map<string, Map<number, Machine>>();
  /** By index that was looked at: who was looked at first, of those who are in charge of the same objects. */
  readonly #looks = new Map<number, Map<string, Look>>();

  /** Looking at a state costs as much as applying many commands, so that is done after every `lookEvery` entries. */
  constructor(report: (promise: string, what: string) => void, lookEvery: number) {
    this.#report = report;
    this.#lookEvery = lookEvery;
  }

  /** Nodes of different code have other fields in this object: somebody else looks at it. */
  leaveOut(object: string): void {
    this.#leftOut.add(object);
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
    const look: Look = { by: node, part: machine.part, checksums: checksumsOf(machine) };
    const known = this.#looks.get(appliedIndex);
    if (known === undefined) {
      this.#looks.set(appliedIndex, new Map([[partOf(machine.part), look]]));
      return;
    }
    for (const other of known.values()) if (!this.#compare(look, other, appliedIndex)) return;
    if (!known.has(partOf(machine.part))) known.set(partOf(machine.part), look);
  }

  /** Of the objects that both are in charge of. */
  #compare(look: Look, known: Look, index: number): boolean {
    for (const object of new Set([...look.checksums.keys(), ...known.checksums.keys()])) {
      if (known.checksums.get(object) === look.checksums.get(object)) continue;
      if (this.#leftOut.has(object) || !isHere(look.part, object) || !isHere(known.part, object)) continue;
      const what =
        `after entry ${index}, the object ${object} is not the same on ${look.by} as on ${known.by}: one of ` +
        'its commands is not deterministic, or something else than commands has changed it';
      this.#report('equal states', what);
      return false;
    }
    return true;
  }
}

/** The same for machines that are in charge of the same objects. */
function partOf({ machine, places }: MachinePart): string {
  return places.size === 0 ? '' : `${machine} of ${JSON.stringify([...places])}`;
}

/** By the name or prefix that checksums are called by. */
function isHere({ machine, places }: MachinePart, called: string): boolean {
  const object = called.startsWith(createdPrefix('')) ? called.slice(createdPrefix('').length) : called;
  return machineOf(object, places) === machine;
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
    // All of it is written before this returns, save what a hook returns later: that is left to snapshots, which
    // compare.
    writeState(object, add, never).catch(never);
    checksums.set(name, checksum);
  }
  return checksums;
}

/** Writing and reading the states of instances in tests. */

import type { Pause } from '../../../../../../src/storage/pause.js';
import type { LoadedObject } from '../../../../../../src/actors/replicated/object-definition.js';
import { readState } from '../../../../../../src/actors/replicated/state/read-state.js';
import { writeState } from '../../../../../../src/actors/replicated/state/write-state.js';

const goOn: Pause = () => undefined;

/** An instance as though it were registered under this name. */
export function loaded(instance: object, name = 'jobs', madeFields: readonly string[] = []): LoadedObject {
  const prototype = Object.getPrototypeOf(instance) as object;
  return { name, instance, prototype, madeFields, methods: new Map(), commands: new Map(), since: 0 };
}

/** The state of an instance as bytes. */
export async function written(instance: object, pause = goOn, madeFields: readonly string[] = []): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  await writeState(loaded(instance, 'jobs', madeFields), (bytes) => pieces.push(bytes.slice()), pause);
  return Buffer.concat(pieces);
}

/** Gives the bytes in pieces of this size, all from the same memory, as a file would be read. */
export function inPieces(bytes: Uint8Array, size: number): () => Uint8Array | null {
  const memory = new Uint8Array(size);
  let offset = 0;
  return () => {
    if (offset >= bytes.length) return null;
    const piece = bytes.subarray(offset, (offset += size));
    memory.set(piece);
    return memory.subarray(0, piece.length);
  };
}

/** Brings an instance to a state, and returns it. */
export async function restored<T extends object>(fresh: T, bytes: Uint8Array, size = 65_536, pause = goOn): Promise<T> {
  await readState(loaded(fresh), inPieces(bytes, size), pause);
  return fresh;
}

/** An instance with one field. */
export class Box {
  value: unknown;

  constructor(value?: unknown) {
    this.value = value;
  }
}

/** What a value becomes when it is written and read as a field. */
export async function roundTrip(value: unknown, size = 65_536): Promise<unknown> {
  return (await restored(new Box(), await written(new Box(value)), size)).value;
}

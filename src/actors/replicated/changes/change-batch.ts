/**
 * Changes of one object on their way from the thread of the objects to the caller's: where each lies, and all of them
 * as one encoded list. Encoded once, however many watch.
 */

import { ArrayWriter } from '../array-writer.js';
import { readNumberedLists, SCALARS_MAX } from '../scalar-list.js';
import type { ValueCodec } from '../value-codec.js';
import type { ChangePlace } from './change-place.js';
import { SHAPELESS, type ChangeShape, type ChangeShapes } from './change-shapes.js';
import { ShapedChanges } from './shaped-changes.js';

/** Encoded. */
export interface ChangeBatch {
  /** Three numbers for each change: index, command, change. */
  readonly places: Float64Array<ArrayBuffer>;
  /** From number 1 on. */
  readonly shapes: readonly ChangeShape[];
  /**
   * For each change the number of its shape and a list: of the values that the shape does not say, or of itself if it
   * has none.
   */
  readonly changes: Uint8Array<ArrayBuffer>;
}

/** So that what is bounded in bytes is bounded in number, too. */
const MESSAGE_BYTES = 1024;

const LIST_OF_ONE = 0x91;

/** The list that it is an item of. */
const DEPTH = 2;

const writer = new ArrayWriter();
/** Of one change; what is behind its own values means nothing. */
const valuesOfChange: unknown[] = Array.from({ length: SCALARS_MAX }, () => null);

/**
 * One change as batches have it: what the writer that is returned has written. It is another one's with the next call.
 *
 * @throws ConclaveError `ERR_NOT_ENCODABLE`
 */
export function encodeChange(change: unknown, shapes: ChangeShapes, codec: ValueCodec): ArrayWriter {
  const shape = shapes.take(change, valuesOfChange);
  if (shape !== SHAPELESS) {
    writer.clear();
    writer.addNumber(shape);
    if (writer.addScalarList(valuesOfChange, shapes.valuesOf(shape))) return writer;
  }
  const encoded = codec.encodeInto(change, 'change', DEPTH);
  writer.clear();
  writer.addNumber(SHAPELESS);
  writer.addByte(LIST_OF_ONE);
  writer.add(encoded);
  return writer;
}

export function decodeChanges({ places, shapes, changes }: ChangeBatch, codec: ValueCodec): unknown[] {
  const items = (2 * places.length) / 3;
  const read = readNumberedLists(changes, 0, changes.length, items) ?? (codec.decode(changes) as unknown[]);
  const shaped = shapes.map((shape) => new ShapedChanges(shape));
  // Packed, as the engine calls it: many may read it, and do so several times as fast.
  const decoded: unknown[] = [];
  for (let i = 0; i < items; i += 2) decoded.push(changeOf(read[i] as number, read[i + 1] as unknown[], shaped));
  return decoded;
}

/** What {@link encodeChange} was given. */
export function decodeChange(encoded: Uint8Array, shapes: readonly ChangeShape[], codec: ValueCodec): unknown {
  writer.clear();
  writer.add(encoded);
  const [shape, list] = codec.decode(writer.finish(2)) as [number, unknown[]];
  return shape === SHAPELESS ? list[0] : new ShapedChanges(shapes[shape - 1]!).of(list);
}

function changeOf(shape: number, list: readonly unknown[], shaped: readonly ShapedChanges[]): unknown {
  return shape === SHAPELESS ? list[0] : shaped[shape - 1]!.of(list);
}

export function placeIn({ places }: { readonly places: Float64Array }, position: number): ChangePlace {
  const at = 3 * position;
  return { index: places[at]!, command: places[at + 1]!, change: places[at + 2]! };
}

/** What a batch costs on its way, the message around it included. */
export function batchBytes({ places, changes }: Pick<ChangeBatch, 'places' | 'changes'>): number {
  return places.byteLength + changes.byteLength + MESSAGE_BYTES;
}

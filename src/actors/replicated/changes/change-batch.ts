/**
 * Changes of one object on their way from the thread of the objects to the caller's: where each lies, and all of them as one
 * encoded list. Encoded once, however many watch.
 */

import type { ValueCodec } from '../value-codec.js';
import type { ChangePlace } from './change-place.js';

/** Encoded. */
export interface ChangeBatch {
  /** Three numbers for each change: index, command, change. */
  readonly places: Float64Array<ArrayBuffer>;
  readonly changes: Uint8Array<ArrayBuffer>;
}

/** So that what is bounded in bytes is bounded in number, too. */
const MESSAGE_BYTES = 1024;

export function decodeChanges({ changes }: ChangeBatch, codec: ValueCodec): unknown[] {
  return codec.decode(changes) as unknown[];
}

export function placeIn({ places }: { readonly places: Float64Array }, position: number): ChangePlace {
  const at = 3 * position;
  return { index: places[at]!, command: places[at + 1]!, change: places[at + 2]! };
}

/** What a batch costs on its way, the message around it included. */
export function batchBytes({ places, changes }: ChangeBatch): number {
  return places.byteLength + changes.byteLength + MESSAGE_BYTES;
}

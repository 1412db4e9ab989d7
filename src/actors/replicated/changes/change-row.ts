/**
 * A bounded row of encoded changes, oldest first, which drops the oldest when it is full. It keeps no object for each of them:
 * tens of thousands that live for a while would cost the collector of garbage more than all else about them. Owned by one
 * ChangeRecorder.
 */

import type { ArrayWriter } from '../array-writer.js';
import type { ChangeBatch } from './change-batch.js';
import type { ChangeKey } from './change-key.js';
import { comparePlaces, placeAfter, type ChangePlace } from './change-place.js';

/** How much is kept. */
export const CHANGES_KEPT_MAX = 65_536;
export const CHANGES_KEPT_BYTES_MAX = 16 * 1024 * 1024;

/** Changes that are dropped together. */
const PART_CHANGES = 1024;
const PART_BYTES = 256 * 1024;
const PART_BYTES_MIN = 1024;

/** By position in it: where a change lies, its key, and where its bytes end. */
interface Part {
  readonly indexes: number[];
  readonly commands: number[];
  readonly changes: number[];
  readonly keys: (ChangeKey | undefined)[];
  readonly ends: number[];
  bytes: Uint8Array<ArrayBuffer>;
}

export class ChangeRow {
  /** None is empty. */
  #parts: Part[] = [];
  #size = 0;
  #bytes = 0;
  /** How many at the end have not been taken. Invariant: untaken <= size, unless some of them were dropped. */
  #untaken = 0;

  get untaken(): number {
    return this.#untaken;
  }

  /** Adds a copy of these bytes. Returns the place behind the last one that was dropped for it, or null. */
  push(
    index: number,
    command: number,
    change: number,
    key: ChangeKey | undefined,
    encoded: Uint8Array,
  ): ChangePlace | null {
    const part = this.#partFor(encoded.length);
    const start = part.ends.at(-1) ?? 0;
    part.bytes.set(encoded, start);
    part.ends.push(start + encoded.length);
    part.indexes.push(index);
    part.commands.push(command);
    part.changes.push(change);
    part.keys.push(key);
    this.#size++;
    this.#bytes += encoded.length;
    this.#untaken++;
    return this.#size > CHANGES_KEPT_MAX || this.#bytes > CHANGES_KEPT_BYTES_MAX ? this.#dropOldest() : null;
  }

  /** Has one been dropped that had not been taken? */
  get hasLost(): boolean {
    return this.#untaken > this.#size;
  }

  /** Removes the last one if it is of this command. Was it? */
  popOf(index: number, command: number): boolean {
    const part = this.#parts.at(-1);
    if (part === undefined || part.indexes.at(-1) !== index || part.commands.at(-1) !== command) return false;
    const end = part.ends.pop()!;
    this.#bytes -= end - (part.ends.at(-1) ?? 0);
    this.#size--;
    this.#untaken--;
    for (const column of [part.indexes, part.commands, part.changes, part.keys]) column.pop();
    if (part.ends.length === 0) this.#parts.pop();
    return true;
  }

  /** Those that have not been taken. */
  take(writer: ArrayWriter): ChangeBatch {
    let skipped = this.#size - this.#untaken;
    this.#untaken = 0;
    return this.#batch(writer, (part) => {
      const from = Math.min(skipped, part.ends.length);
      skipped -= from;
      return from;
    });
  }

  /** Those from a place on that concern this key; undefined: all keys. */
  since(place: ChangePlace, key: ChangeKey | undefined, writer: ArrayWriter): ChangeBatch {
    const first = (part: Part): number => {
      if (comparePlaces(placeIn(part, part.ends.length - 1), place) < 0) return part.ends.length;
      let from = 0;
      while (comparePlaces(placeIn(part, from), place) < 0) from++;
      return from;
    };
    const isMeant = (each: ChangeKey | undefined): boolean => each === undefined || each === key;
    return this.#batch(writer, first, key === undefined ? null : isMeant);
  }

  clear(): void {
    this.#parts = [];
    this.#size = this.#bytes = this.#untaken = 0;
  }

  #partFor(bytes: number): Part {
    const last = this.#parts.at(-1);
    const used = last?.ends.at(-1) ?? 0;
    if (last !== undefined && last.ends.length < PART_CHANGES && used + bytes <= PART_BYTES) {
      if (used + bytes > last.bytes.length) last.bytes = grown(last.bytes, used + bytes);
      return last;
    }
    const part: Part = {
      indexes: [],
      commands: [],
      changes: [],
      keys: [],
      ends: [],
      bytes: new Uint8Array(Math.max(bytes, PART_BYTES_MIN)),
    };
    this.#parts.push(part);
    return part;
  }

  #dropOldest(): ChangePlace {
    const part = this.#parts.shift()!;
    this.#size -= part.ends.length;
    this.#bytes -= part.ends.at(-1)!;
    return placeAfter(placeIn(part, part.ends.length - 1));
  }

  /** What follows `first` in each part. */
  #batch(
    writer: ArrayWriter,
    first: (part: Part) => number,
    isMeant: ((key: ChangeKey | undefined) => boolean) | null = null,
  ): ChangeBatch {
    const places: number[] = [];
    writer.clear();
    for (const part of this.#parts) {
      const { indexes, commands, changes, keys, ends, bytes } = part;
      const from = first(part);
      for (let i = from; i < ends.length; i++) {
        if (isMeant !== null && !isMeant(keys[i])) continue;
        places.push(indexes[i]!, commands[i]!, changes[i]!);
        if (isMeant !== null) writer.add(bytes.subarray(ends[i - 1] ?? 0, ends[i]));
      }
      if (isMeant === null && from < ends.length) writer.add(bytes.subarray(ends[from - 1] ?? 0, ends.at(-1)));
    }
    return { places: Float64Array.from(places), changes: writer.finish(places.length / 3).slice() };
  }
}

function placeIn({ indexes, commands, changes }: Part, position: number): ChangePlace {
  return { index: indexes[position]!, command: commands[position]!, change: changes[position]! };
}

function grown(bytes: Uint8Array, needed: number): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(Math.max(needed, 2 * bytes.length));
  larger.set(bytes);
  return larger;
}

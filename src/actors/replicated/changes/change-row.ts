/**
 * A bounded row of encoded changes, oldest first, which drops the oldest when it is full. It keeps no object for each of them:
 * tens of thousands that live for a while would cost the collector of garbage more than all else about them. Owned by one
 * ChangeRecorder.
 */

import type { ArrayWriter } from '../array-writer.js';
import type { ChangeBatch } from './change-batch.js';
import { hashOfKey, type ChangeKey } from './change-key.js';
import { comparePlaces, placeAfter, type ChangePlace } from './change-place.js';

/** What a batch has of the row. */
export type EncodedChanges = Pick<ChangeBatch, 'places' | 'changes'>;

/** How much is kept. */
export const CHANGES_KEPT_MAX = 65_536;
export const CHANGES_KEPT_BYTES_MAX = 16 * 1024 * 1024;

/** Changes that are dropped together. */
const PART_CHANGES = 1024;
const PART_BYTES = 256 * 1024;
const PART_BYTES_MIN = 1024;

/** Stands for the hash of the key that a change has not. */
const NO_KEY = -1;

/** By position in it: where a change lies, the hash of its key, and where its bytes end. */
interface Part {
  readonly indexes: number[];
  readonly commands: number[];
  readonly changes: number[];
  /** -1: it has none, and concerns every key. */
  readonly keyHashes: number[];
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

  /** Adds a copy of what was encoded. Returns the place behind the last one that was dropped for it, or null. */
  push(
    index: number,
    command: number,
    change: number,
    key: ChangeKey | undefined,
    encoded: ArrayWriter,
  ): ChangePlace | null {
    const size = encoded.itemsByteLength;
    const part = this.#partFor(size);
    const start = part.ends.at(-1) ?? 0;
    encoded.copyItems(part.bytes, start);
    part.ends.push(start + size);
    part.indexes.push(index);
    part.commands.push(command);
    part.changes.push(change);
    part.keyHashes.push(key === undefined ? NO_KEY : hashOfKey(key));
    this.#size++;
    this.#bytes += size;
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
    for (const column of [part.indexes, part.commands, part.changes, part.keyHashes]) column.pop();
    if (part.ends.length === 0) this.#parts.pop();
    return true;
  }

  /** Those that have not been taken. */
  take(writer: ArrayWriter): EncodedChanges {
    let skipped = this.#size - this.#untaken;
    this.#untaken = 0;
    return this.#batch(writer, (part) => {
      const from = Math.min(skipped, part.ends.length);
      skipped -= from;
      return from;
    });
  }

  /**
   * Those from a place on that concern this key; undefined: all keys.
   *
   * @param keyOf of an encoded change
   */
  since(
    place: ChangePlace,
    key: ChangeKey | undefined,
    keyOf: (encoded: Uint8Array) => ChangeKey | undefined,
    writer: ArrayWriter,
  ): EncodedChanges {
    const first = (part: Part): number => {
      if (comparePlaces(placeIn(part, part.ends.length - 1), place) < 0) return part.ends.length;
      let from = 0;
      while (comparePlaces(placeIn(part, from), place) < 0) from++;
      return from;
    };
    if (key === undefined) return this.#batch(writer, first);
    const wanted = hashOfKey(key);
    return this.#batch(writer, first, (hash, encoded) => {
      return hash === NO_KEY || (hash === wanted && isSameKey(keyOf(encoded), key));
    });
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
      keyHashes: [],
      ends: [],
      // As much as the one before it has taken.
      bytes: new Uint8Array(Math.max(bytes, used, PART_BYTES_MIN)),
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
    isMeant: ((keyHash: number, encoded: Uint8Array) => boolean) | null = null,
  ): EncodedChanges {
    const firsts = this.#parts.map((part) => first(part));
    const places = new Float64Array(3 * this.#parts.reduce((sum, { ends }, i) => sum + ends.length - firsts[i]!, 0));
    let count = 0;
    writer.clear();
    for (const [p, { indexes, commands, changes, keyHashes, ends, bytes }] of this.#parts.entries()) {
      const from = firsts[p]!;
      for (let i = from; i < ends.length; i++) {
        if (isMeant !== null) {
          const encoded = bytes.subarray(ends[i - 1] ?? 0, ends[i]);
          if (!isMeant(keyHashes[i]!, encoded)) continue;
          writer.add(encoded);
        }
        places[3 * count] = indexes[i]!;
        places[3 * count + 1] = commands[i]!;
        places[3 * count + 2] = changes[i]!;
        count++;
      }
      if (isMeant === null && from < ends.length) writer.add(bytes.subarray(ends[from - 1] ?? 0, ends.at(-1)));
    }
    // Each is two items: its number, and a list.
    const list = writer.finish(2 * count).slice();
    return { places: 3 * count === places.length ? places : places.slice(0, 3 * count), changes: list };
  }
}

/** As Map compares. */
function isSameKey(a: ChangeKey | undefined, b: ChangeKey): boolean {
  return a === b || Object.is(a, b);
}

function placeIn({ indexes, commands, changes }: Part, position: number): ChangePlace {
  return { index: indexes[position]!, command: commands[position]!, change: changes[position]! };
}

function grown(bytes: Uint8Array, needed: number): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(Math.max(needed, 2 * bytes.length));
  larger.set(bytes);
  return larger;
}

/**
 * A bounded row of encoded changes, oldest first, which drops the oldest when it is full. It keeps no object for each
 * of them: tens of thousands that live for a while would cost the collector of garbage more than all else about them.
 * Owned by one ChangeRecorder.
 */

import type { ArrayWriter } from '../array-writer.js';
import { placeIn, type ChangeBatch } from './change-batch.js';
import { hashOfKey, type ChangeKey } from './change-key.js';
import { comparePlaces, placeAfter, type ChangePlace } from './change-place.js';

/** What a batch has of the row. */
export type EncodedChanges = Pick<ChangeBatch, 'places' | 'changes'>;

/** How much is kept. */
export const CHANGES_KEPT_MAX = 65_536;
export const CHANGES_KEPT_BYTES_MAX = 16 * 1024 * 1024;

/** Changes that are dropped together. */
const PART_CHANGES = 1024;
const PART_CHANGES_MIN = 16;
const PART_BYTES = 256 * 1024;
const PART_BYTES_MIN = 1024;

/** Stands for the hash of the key that a change has not. */
const NO_KEY = -1;

interface Part {
  count: number;
  /** As batches have them: index, command and change of each. */
  places: Float64Array<ArrayBuffer>;
  /** The hash of its key; -1: it has none, and concerns every key. */
  keyHashes: Int32Array<ArrayBuffer>;
  /** Where its bytes end. */
  ends: Int32Array<ArrayBuffer>;
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
    const { count, places } = part;
    const start = usedOf(part);
    encoded.copyItems(part.bytes, start);
    places[3 * count] = index;
    places[3 * count + 1] = command;
    places[3 * count + 2] = change;
    part.keyHashes[count] = key === undefined ? NO_KEY : hashOfKey(key);
    part.ends[count] = start + size;
    part.count++;
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
    if (part === undefined) return false;
    const last = 3 * (part.count - 1);
    if (part.places[last] !== index || part.places[last + 1] !== command) return false;
    const end = usedOf(part);
    part.count--;
    this.#bytes -= end - usedOf(part);
    this.#size--;
    this.#untaken--;
    if (part.count === 0) this.#parts.pop();
    return true;
  }

  /** Those that have not been taken. */
  take(writer: ArrayWriter): EncodedChanges {
    let skipped = this.#size - this.#untaken;
    this.#untaken = 0;
    return this.#batch(writer, (part) => {
      const from = Math.min(skipped, part.count);
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
      if (comparePlaces(placeIn(part, part.count - 1), place) < 0) return part.count;
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
    const last = this.#parts[this.#parts.length - 1];
    const used = last === undefined ? 0 : usedOf(last);
    if (last !== undefined && last.count < PART_CHANGES && used + bytes <= PART_BYTES) {
      if (used + bytes > last.bytes.length) last.bytes = grown(last.bytes, used + bytes);
      if (last.count === last.ends.length) growColumns(last);
      return last;
    }
    // As much as the one before it has taken.
    const count = Math.max(last?.count ?? 0, PART_CHANGES_MIN);
    const part: Part = {
      count: 0,
      places: new Float64Array(3 * count),
      keyHashes: new Int32Array(count),
      ends: new Int32Array(count),
      bytes: new Uint8Array(Math.max(bytes, used, PART_BYTES_MIN)),
    };
    this.#parts.push(part);
    return part;
  }

  #dropOldest(): ChangePlace {
    const part = this.#parts.shift()!;
    this.#size -= part.count;
    this.#bytes -= usedOf(part);
    return placeAfter(placeIn(part, part.count - 1));
  }

  /** What follows `first` in each part. */
  #batch(
    writer: ArrayWriter,
    first: (part: Part) => number,
    isMeant: ((keyHash: number, encoded: Uint8Array) => boolean) | null = null,
  ): EncodedChanges {
    const firsts = this.#parts.map((part) => first(part));
    const places = new Float64Array(3 * this.#parts.reduce((sum, part, i) => sum + part.count - firsts[i]!, 0));
    let count = 0;
    writer.clear();
    for (const [p, part] of this.#parts.entries()) {
      const from = firsts[p]!;
      if (from === part.count) continue;
      if (isMeant === null) {
        places.set(part.places.subarray(3 * from, 3 * part.count), 3 * count);
        writer.add(part.bytes.subarray(startOf(part, from), usedOf(part)));
        count += part.count - from;
        continue;
      }
      for (let i = from; i < part.count; i++) {
        const encoded = part.bytes.subarray(startOf(part, i), part.ends[i]);
        if (!isMeant(part.keyHashes[i]!, encoded)) continue;
        writer.add(encoded);
        places.set(part.places.subarray(3 * i, 3 * i + 3), 3 * count);
        count++;
      }
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

/** Where the bytes of a change start. */
function startOf({ ends }: Part, position: number): number {
  return position === 0 ? 0 : ends[position - 1]!;
}

/** Where the bytes of all of them end. */
function usedOf(part: Part): number {
  return startOf(part, part.count);
}

function growColumns(part: Part): void {
  const count = Math.min(2 * part.count, PART_CHANGES);
  const { places, keyHashes, ends } = part;
  part.places = new Float64Array(3 * count);
  part.keyHashes = new Int32Array(count);
  part.ends = new Int32Array(count);
  part.places.set(places);
  part.keyHashes.set(keyHashes);
  part.ends.set(ends);
}

function grown(bytes: Uint8Array, needed: number): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(Math.max(needed, 2 * bytes.length));
  larger.set(bytes);
  return larger;
}

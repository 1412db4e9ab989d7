/**
 * Reads the headers of blocks (block.ts), on the thread of the objects. The callers of a node mostly call the same
 * methods: the last table of names is kept, and so are names, for where there are many objects, tables are long and
 * seldom the same.
 */

import { sessionId, type SessionId } from '../../ids.js';
import { BLOCK_HEADER_BYTES, BLOCK_NAMES_MAX } from './block.js';

/** Names that a reader remembers; one more, and it forgets all of them. */
const KNOWN_NAMES_MAX = 65_536;

export interface BlockHeader {
  readonly session: SessionId;
  readonly firstSeq: number;
  readonly count: number;
  readonly names: readonly string[];
  /** Where the msgpack array of commands starts. */
  readonly commandsOffset: number;
}

const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });

/** A name as it was read last. */
interface KnownName {
  readonly utf8: DataView;
  readonly text: string;
}

export class BlockReader {
  /** The last table in its binary form, and what it says. */
  #table = new DataView(new ArrayBuffer(0));
  #names: readonly string[] = [];
  /** By a hash of their bytes; of two with the same hash, the later one. */
  #known = new Map<number, KnownName>();

  /**
   * Reads the header of the block at `[start, end)`; null when the bytes are no block. Same answer on every node. As
   * long as the table stays the same, so does the array `names`.
   */
  read(view: DataView, start: number, end: number): BlockHeader | null {
    if (end - start < BLOCK_HEADER_BYTES) return null;
    const namesCount = view.getUint32(start + 20, true);
    if (namesCount > BLOCK_NAMES_MAX) return null;
    const tableStart = start + BLOCK_HEADER_BYTES;
    const isKnown = this.#isTable(view, tableStart, end, namesCount);
    const offset = isKnown ? tableStart + this.#table.byteLength : endOfTable(view, tableStart, end, namesCount);
    if (offset === null) return null;
    const session = view.getFloat64(start, true);
    const firstSeq = view.getFloat64(start + 8, true);
    const count = view.getUint32(start + 16, true);
    if (!Number.isSafeInteger(session) || !Number.isSafeInteger(firstSeq) || count === 0) return null;
    if (!isKnown) this.#readTable(view, tableStart, offset, namesCount);
    return { session: sessionId(session), firstSeq, count, names: this.#names, commandsOffset: offset };
  }

  /** Does the last table start here? */
  #isTable(view: DataView, start: number, end: number, count: number): boolean {
    const tableEnd = start + this.#table.byteLength;
    return count === this.#names.length && tableEnd <= end && isSame(this.#table, view, start, tableEnd);
  }

  /** The lengths in the table have been found to be within it. */
  #readTable(view: DataView, start: number, end: number, count: number): void {
    const table = new Uint8Array(view.buffer, view.byteOffset + start, end - start).slice();
    const names: string[] = [];
    const tableView = new DataView(table.buffer);
    let offset = 0;
    for (let i = 0; i < count; i++) {
      const nameStart = offset + 2;
      offset = nameStart + tableView.getUint16(offset, true);
      names.push(this.#readName(tableView, nameStart, offset));
    }
    this.#table = tableView;
    this.#names = names;
  }

  #readName(table: DataView, start: number, end: number): string {
    const hash = hashOf(table, start, end);
    const known = this.#known.get(hash);
    if (known !== undefined && isSame(known.utf8, table, start, end)) return known.text;
    const bytes = new Uint8Array(table.buffer, start, end - start).slice();
    const text = utf8.decode(bytes);
    if (known === undefined && this.#known.size >= KNOWN_NAMES_MAX) this.#known.clear();
    this.#known.set(hash, { utf8: new DataView(bytes.buffer), text });
    return text;
  }
}

/** Where a table of so many names ends; null: not before `end`. */
function endOfTable(view: DataView, start: number, end: number, count: number): number | null {
  let offset = start;
  for (let i = 0; i < count; i++) {
    if (offset + 2 > end) return null;
    offset += 2 + view.getUint16(offset, true);
    if (offset > end) return null;
  }
  return offset;
}

/** Four bytes at a time. */
function hashOf(bytes: DataView, start: number, end: number): number {
  let hash = end - start;
  let at = start;
  for (; at + 4 <= end; at += 4) hash = Math.imul(hash ^ bytes.getInt32(at), 0x0100_0193);
  for (; at < end; at++) hash = Math.imul(hash ^ bytes.getUint8(at), 0x0100_0193);
  // What the engine keeps in a Map without a box; products have most of what tells words apart in their upper bits.
  return (hash ^ (hash >>> 15)) & 0x3fff_ffff;
}

function isSame(known: DataView, bytes: DataView, start: number, end: number): boolean {
  const { byteLength } = known;
  if (byteLength !== end - start) return false;
  let at = 0;
  for (; at + 4 <= byteLength; at += 4) if (known.getInt32(at) !== bytes.getInt32(start + at)) return false;
  for (; at < byteLength; at++) if (known.getUint8(at) !== bytes.getUint8(start + at)) return false;
  return true;
}

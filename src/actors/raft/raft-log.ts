/**
 * A node's log in memory: entries in their binary form, so that replicating, storing and applying them is handing out
 * views. Owned by the core, on its thread. It knows nothing of commitment: what may be cut off or dropped is for the
 * core to know.
 */

import { assert } from '../../assert.js';
import { ConclaveError } from '../../errors.js';
import { logIndex, term, type LastIncluded, type LogIndex, type Term } from '../../ids.js';
import { encodeEntryInto, entryBytes, EntryKind, EntryReader, type Content, type Entry } from './entry.js';
import { Segments } from './log-segment.js';
import { TermRuns } from './term-runs.js';

/** Entries next to each other, in their binary form, and the index of the last one. */
export interface LogSlice {
  readonly bytes: Uint8Array;
  readonly lastIndex: LogIndex;
}

/** What `checkEncoded` has found. Without entries, the last ones are what came before. */
export interface EncodedRun {
  readonly count: number;
  readonly lastIndex: LogIndex;
  readonly lastTerm: Term;
  readonly hasConfiguration: boolean;
}

/**
 * Holds the entries from `firstIndex` to `lastIndex`. Bytes that were handed out stay as they are whatever happens to
 * the log, so that a view may wait in a socket. Costs the entries' own bytes and 4 to 8 more for each, and at either
 * end up to one arena of 1 MiB that is not full of what is held.
 */
export class RaftLog {
  readonly #segments = new Segments();
  readonly #runs = new TermRuns();
  readonly #reader = new EntryReader();
  /** Where the entries are that say who the members are, in order. */
  #configurationIndexes: LogIndex[] = [];
  /** The last entry that was dropped from the front. Invariant: droppedIndex <= lastIndex. */
  #droppedIndex = logIndex(0);
  #droppedTerm = term(0);
  #droppedTimestampMs = 0;
  #lastIndex = logIndex(0);
  #lastTerm = term(0);
  #lastTimestampMs = 0;

  /** The first entry held; `lastIndex + 1` if there is none. */
  get firstIndex(): LogIndex {
    return logIndex(this.#droppedIndex + 1);
  }

  get lastIndex(): LogIndex {
    return this.#lastIndex;
  }

  get lastTerm(): Term {
    return this.#lastTerm;
  }

  /** 0 before the first entry. The next entry must not have less. */
  get lastTimestampMs(): number {
    return this.#lastTimestampMs;
  }

  /** The memory held, in bytes. */
  get byteLength(): number {
    return this.#segments.byteLength;
  }

  /** The indexes held of entries that say who the members are, in order. */
  get configurationIndexes(): readonly LogIndex[] {
    return this.#configurationIndexes;
  }

  /** Appends one entry and returns its index. Copies the payload. */
  append(content: Content, entryTerm: Term, timestampMs: number): LogIndex {
    assert(entryTerm >= this.#lastTerm, 'terms never go down along the log');
    const index = logIndex(this.#lastIndex + 1);
    const segment = this.#segments.reserve(entryBytes(content.payload.length), index);
    const { arena } = segment;
    const offset = arena.used;
    arena.used = encodeEntryInto(arena.bytes, arena.view, offset, content, entryTerm, index, timestampMs);
    segment.end = arena.used;
    this.#segments.addOffset(segment, offset);
    this.#noteLast(index, content.kind, entryTerm, timestampMs);
    return index;
  }

  /** Appends entries that `checkEncoded` has found to continue the log. Copies their bytes. */
  appendEncoded(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    const segment = this.#segments.reserve(bytes.length, this.#lastIndex + 1);
    const { arena } = segment;
    const start = arena.used;
    arena.bytes.set(bytes, start);
    arena.used = start + bytes.length;
    segment.end = arena.used;
    const reader = this.#reader;
    reader.reset(bytes);
    let offset = start;
    while (reader.next()) {
      assert(reader.index === this.#lastIndex + 1, 'the log has no gaps');
      this.#segments.addOffset(segment, offset);
      this.#noteLast(reader.index, reader.kind, reader.term, reader.timestampMs);
      offset = start + reader.payloadEnd;
    }
  }

  /** Drops all entries behind `index`, which is the dropped index at least. */
  truncateAfter(index: LogIndex): void {
    assert(index >= this.#droppedIndex, 'what has been dropped is never cut off');
    if (index >= this.#lastIndex) return;
    this.#segments.truncateAfter(index);
    this.#runs.truncateAfter(index);
    if (this.#configurationIndexes.length > 0) {
      this.#configurationIndexes = this.#configurationIndexes.filter((held) => held <= index);
    }
    this.#lastIndex = index;
    this.#lastTerm = term(this.#runs.lastTerm ?? this.#droppedTerm);
    this.#lastTimestampMs = this.timestampAt(index);
  }

  /** Null where the log cannot tell: before the dropped index and behind the last one. Index 0 has term 0. */
  termAt(index: LogIndex): Term | null {
    if (index === this.#lastIndex) return this.#lastTerm;
    if (index > this.#lastIndex || index < this.#droppedIndex) return null;
    return index === this.#droppedIndex ? this.#droppedTerm : term(this.#runs.termAt(index));
  }

  /** Of an entry held, or of the last one dropped. */
  timestampAt(index: LogIndex): number {
    if (index === this.#droppedIndex) return this.#droppedTimestampMs;
    return this.entry(index).timestampMs;
  }

  /** An entry held, looked at in place. */
  entry(index: LogIndex): Entry {
    this.#assertHeld(index);
    const segment = this.#segments.find(index);
    const bytes = segment.arena.bytes.subarray(segment.offsetOf(index), segment.endOf(index));
    const reader = this.#reader;
    reader.reset(bytes);
    reader.next();
    const payload = bytes.subarray(reader.payloadStart);
    return { kind: reader.kind, term: reader.term, index, timestampMs: reader.timestampMs, payload };
  }

  /**
   * A view of entries held: from `from`, at most to `to`, at most `bytesMax` long unless one entry alone is longer. May
   * end earlier than either, where the memory does; then the rest is the next slice's.
   */
  slice(from: LogIndex, to: LogIndex, bytesMax: number): LogSlice {
    this.#assertHeld(from);
    this.#assertHeld(to);
    assert(from <= to, 'a slice has an entry');
    const segment = this.#segments.find(from);
    const last = segment.lastWithin(from, to, bytesMax);
    return {
      bytes: segment.arena.bytes.subarray(segment.offsetOf(from), segment.endOf(last)),
      lastIndex: logIndex(last),
    };
  }

  /** The first index held that has the term of the entry at `index`, which is held. */
  firstIndexOfTermAt(index: LogIndex): LogIndex {
    this.#assertHeld(index);
    return logIndex(this.#runs.firstIndexAt(index));
  }

  /** The last index held whose term is at most this; null if there is none. */
  lastIndexWithTermAtMost(termMax: Term): LogIndex | null {
    const above = this.#runs.firstIndexAbove(termMax) ?? this.#lastIndex + 1;
    return above > this.firstIndex ? logIndex(above - 1) : null;
  }

  /** Drops all entries up to and including `index`, but remembers its term. Does nothing if that has been done. */
  dropTo(index: LogIndex): void {
    if (index <= this.#droppedIndex) return;
    assert(index <= this.#lastIndex, 'only what is in the log can be dropped');
    this.#droppedTimestampMs = this.timestampAt(index);
    this.#droppedTerm = term(this.#runs.termAt(index));
    this.#droppedIndex = index;
    this.#segments.dropBefore(index + 1);
    this.#configurationIndexes = this.#configurationIndexes.filter((held) => held > index);
    if (index === this.#lastIndex) this.#runs.clear();
    else this.#runs.dropBefore(index + 1);
  }

  /** Drops everything and goes on behind this entry: a snapshot up to it has taken the log's place. */
  resetTo({ index, term: lastIncludedTerm, timestampMs }: LastIncluded): void {
    this.#segments.dropBefore(Infinity);
    this.#runs.clear();
    this.#configurationIndexes = [];
    this.#droppedIndex = index;
    this.#droppedTerm = lastIncludedTerm;
    this.#droppedTimestampMs = timestampMs;
    this.#lastIndex = index;
    this.#lastTerm = lastIncludedTerm;
    this.#lastTimestampMs = timestampMs;
  }

  #noteLast(index: LogIndex, kind: EntryKind, entryTerm: Term, timestampMs: number): void {
    if (kind === EntryKind.configuration) this.#configurationIndexes.push(index);
    if (entryTerm !== this.#runs.lastTerm) this.#runs.begin(index, entryTerm);
    this.#lastIndex = index;
    this.#lastTerm = entryTerm;
    this.#lastTimestampMs = timestampMs;
  }

  #assertHeld(index: LogIndex): void {
    assert(index > this.#droppedIndex && index <= this.#lastIndex, 'only entries in the log are asked for');
  }
}

/**
 * Checks bytes from the network: whole and undamaged entries of known kinds, numbered from `firstIndex` without gaps,
 * with terms that never go down from `prevTerm` on and end at `termMax` at most.
 *
 * @throws ConclaveError `ERR_PROTOCOL` if anything else.
 */
export function checkEncoded(bytes: Uint8Array, firstIndex: LogIndex, prevTerm: Term, termMax: Term): EncodedRun {
  const reader = new EntryReader();
  reader.reset(bytes);
  let index: number = firstIndex;
  let lastTerm = prevTerm;
  let hasConfiguration = false;
  for (; reader.next(); index++) {
    if (reader.index !== index) throw refused('its index is out of order', index);
    if (!Number.isSafeInteger(reader.term) || reader.term < lastTerm || reader.term > termMax) {
      throw refused('its term is out of order', index);
    }
    if (!Number.isFinite(reader.timestampMs) || reader.timestampMs < 0)
      throw refused('its timestamp is no time', index);
    const { damage } = reader;
    if (damage !== null) throw refused(`its ${damage} is damaged`, index);
    lastTerm = reader.term;
    if (reader.kind === EntryKind.configuration) hasConfiguration = true;
  }
  return { count: index - firstIndex, lastIndex: logIndex(index - 1), lastTerm, hasConfiguration };
}

function refused(why: string, index: number): ConclaveError {
  return new ConclaveError('ERR_PROTOCOL', `Entry ${index} was refused: ${why}.`, { data: { index } });
}

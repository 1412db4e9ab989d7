/** A plain model of the log, what can be done to both, and the comparison of the two. */

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { encodeEntryInto, entryBytes, EntryKind, type Entry } from '../../../../src/actors/raft/entry.js';
import { checkEncoded, RaftLog } from '../../../../src/actors/raft/raft-log.js';
import { logIndex, term, type LastIncluded, type LogIndex, type Term } from '../../../../src/ids.js';
import { contentOf } from './content.js';

export const KIB = 1024;
export const MIB = KIB * KIB;

export type Operation =
  | { readonly type: 'append'; readonly sizes: readonly number[]; readonly termStep: number; readonly encoded: boolean }
  | { readonly type: 'truncate' | 'drop'; readonly share: number }
  | { readonly type: 'reset'; readonly ahead: number }
  | { readonly type: 'slice'; readonly share: number; readonly toShare: number; readonly bytesMax: number };

/** Spread evenly, which doubles are not. */
const share = fc.nat(1000).map((thousandths) => thousandths / 1000);
const size = fc.oneof(
  { weight: 20, arbitrary: fc.nat(60) },
  { weight: 6, arbitrary: fc.nat(30 * KIB) },
  { weight: 2, arbitrary: fc.integer({ min: 64 * KIB - 42, max: 64 * KIB - 38 }) },
  { weight: 1, arbitrary: fc.constant(MIB + 1) },
);
/** One thing that can be done to a log. */
export const operation: fc.Arbitrary<Operation> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      type: fc.constant('append'),
      sizes: fc.array(size, { maxLength: 30 }),
      termStep: fc.nat(2),
      encoded: fc.boolean(),
    }),
  },
  { weight: 3, arbitrary: fc.record({ type: fc.constant('truncate'), share }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('drop'), share }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('reset'), ahead: fc.nat(5) }) },
  {
    weight: 4,
    arbitrary: fc.record({ type: fc.constant('slice'), share, toShare: share, bytesMax: fc.nat(200 * KIB) }),
  },
) as fc.Arbitrary<Operation>;

export function payloadOf(length: number, fill = 7): Uint8Array {
  return new Uint8Array(length).fill(fill);
}

export function encode(entries: readonly Entry[]): Uint8Array {
  const bytes = new Uint8Array(entries.reduce((sum, { payload }) => sum + entryBytes(payload.length), 0));
  const view = new DataView(bytes.buffer);
  let offset = 0;
  for (const e of entries) {
    offset = encodeEntryInto(bytes, view, offset, contentOf(e.kind, e.payload), e.term, e.index, e.timestampMs);
  }
  return bytes;
}

export function entryOf(index: number, entryTerm: number, timestampMs = 0, payload = payloadOf(3)): Entry {
  return { kind: EntryKind.block, term: term(entryTerm), index: logIndex(index), timestampMs, payload };
}

export function areEqual(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

/** The bytes of a range, put together from as many slices as it takes. */
export function sliced(log: RaftLog, from: number, to: number, bytesMax: number): Uint8Array {
  const parts: Uint8Array[] = [];
  for (let at = from; at <= to;) {
    const { bytes, lastIndex } = log.slice(logIndex(at), logIndex(to), bytesMax);
    assert(bytes.length <= bytesMax || lastIndex === at);
    assert(lastIndex >= at && lastIndex <= to);
    parts.push(bytes);
    at = lastIndex + 1;
  }
  return Buffer.concat(parts);
}

/** What the log should do, as plainly as can be. */
class Model {
  entries: Entry[] = [];
  droppedIndex = logIndex(0);
  droppedTerm = term(0);
  droppedTimestampMs = 0;

  get lastIndex(): LogIndex {
    return logIndex(this.droppedIndex + this.entries.length);
  }

  get lastTimestampMs(): number {
    return this.entries.at(-1)?.timestampMs ?? this.droppedTimestampMs;
  }

  get lastTerm(): Term {
    return this.entries.at(-1)?.term ?? this.droppedTerm;
  }

  at(index: number): Entry {
    return this.entries[index - this.droppedIndex - 1]!;
  }

  termAt(index: number): Term | null {
    if (index === this.droppedIndex) return this.droppedTerm;
    return index < this.droppedIndex ? null : (this.at(index)?.term ?? null);
  }

  truncateAfter(index: number): void {
    this.entries.length = index - this.droppedIndex;
  }

  dropTo(index: LogIndex): void {
    this.droppedTerm = this.termAt(index)!;
    if (index > this.droppedIndex) this.droppedTimestampMs = this.at(index).timestampMs;
    this.entries.splice(0, index - this.droppedIndex);
    this.droppedIndex = index;
  }

  resetTo({ index, term: lastIncludedTerm, timestampMs }: LastIncluded): void {
    this.entries = [];
    this.droppedIndex = index;
    this.droppedTerm = lastIncludedTerm;
    this.droppedTimestampMs = timestampMs;
  }
}

/** Runs operations on the log and on the model, and keeps the views that slices have given. */
export class LogComparison {
  readonly log = new RaftLog();
  readonly model = new Model();
  readonly views: { readonly view: Uint8Array; readonly copy: Uint8Array }[] = [];
  #timestampMs = 0;

  run(op: Operation): void {
    const { log, model } = this;
    switch (op.type) {
      case 'append':
        return this.#append(op.sizes, term(model.lastTerm + op.termStep), op.encoded);
      case 'truncate': {
        const index = this.#pick(op.share);
        log.truncateAfter(index);
        return model.truncateAfter(index);
      }
      case 'drop': {
        const index = this.#pick(op.share);
        log.dropTo(index);
        return model.dropTo(index);
      }
      case 'reset': {
        const index = logIndex(model.lastIndex + op.ahead);
        const lastIncluded = { index, term: term(model.lastTerm + 1), timestampMs: this.#timestampMs++ };
        log.resetTo(lastIncluded);
        return model.resetTo(lastIncluded);
      }
      case 'slice': {
        if (model.entries.length === 0) return;
        const [from, to] = [this.#pickHeld(op.share), this.#pickHeld(op.toShare)].toSorted((x, y) => x - y);
        const { bytes } = log.slice(from!, to!, op.bytesMax);
        this.views.push({ view: bytes, copy: bytes.slice() });
        const expected = encode(model.entries.slice(from! - model.droppedIndex - 1, to! - model.droppedIndex));
        assert(areEqual(sliced(log, from!, to!, op.bytesMax), expected));
      }
    }
  }

  /** Looks at all that the log says of itself. */
  verify(): void {
    const { log, model } = this;
    assert.equal(log.firstIndex, model.droppedIndex + 1);
    assert.equal(log.lastIndex, model.lastIndex);
    assert.equal(log.lastTerm, model.lastTerm);
    assert.equal(log.lastTimestampMs, model.lastTimestampMs);
    assert.equal(log.timestampAt(model.droppedIndex), model.droppedTimestampMs);
    const admissions = model.entries.filter(({ kind }) => kind === EntryKind.configuration);
    assert.deepEqual(
      log.configurationIndexes,
      admissions.map(({ index }) => index),
    );
    for (const { view, copy } of this.views) assert(areEqual(view, copy));
    for (const each of model.entries) {
      const { payload, ...header } = log.entry(each.index);
      assert(areEqual(payload, each.payload));
      assert.deepEqual(header, { kind: each.kind, term: each.term, index: each.index, timestampMs: each.timestampMs });
      assert.equal(log.timestampAt(each.index), each.timestampMs);
      assert.equal(log.firstIndexOfTermAt(each.index), model.entries.find((other) => other.term === each.term)!.index);
    }
    for (let index = Math.max(0, model.droppedIndex - 2); index <= model.lastIndex + 2; index++) {
      assert.equal(log.termAt(logIndex(index)), model.termAt(index));
    }
    for (let each = 0; each <= model.lastTerm + 1; each++) {
      const expected = model.entries.findLast((other) => other.term <= each)?.index ?? null;
      assert.equal(log.lastIndexWithTermAtMost(term(each)), expected);
    }
    const encoded = model.entries.reduce((sum, { payload }) => sum + entryBytes(payload.length), 0);
    assert(log.byteLength >= encoded + 4 * model.entries.length);
  }

  #append(sizes: readonly number[], entryTerm: Term, isEncoded: boolean): void {
    const { log, model } = this;
    const entries = sizes.map((length, i) => {
      const index = model.lastIndex + 1 + i;
      const entry = entryOf(index, entryTerm, this.#timestampMs++, payloadOf(length, index % 251));
      return length % 7 === 0 ? { ...entry, kind: EntryKind.configuration } : entry;
    });
    if (isEncoded) {
      const bytes = encode(entries);
      const run = checkEncoded(bytes, logIndex(model.lastIndex + 1), model.lastTerm, entryTerm);
      assert.equal(run.count, entries.length);
      assert.equal(
        run.hasConfiguration,
        entries.some(({ kind }) => kind === EntryKind.configuration),
      );
      log.appendEncoded(bytes);
      // The log must not have kept the bytes that it was given.
      bytes.fill(0xee);
    } else {
      for (const { index, kind, timestampMs, payload } of entries) {
        assert.equal(log.append(contentOf(kind, payload), entryTerm, timestampMs), index);
      }
    }
    model.entries.push(...entries);
  }

  #pick(at: number): LogIndex {
    return logIndex(this.model.droppedIndex + Math.round(at * this.model.entries.length));
  }

  #pickHeld(at: number): LogIndex {
    return logIndex(this.model.droppedIndex + 1 + Math.round(at * (this.model.entries.length - 1)));
  }
}

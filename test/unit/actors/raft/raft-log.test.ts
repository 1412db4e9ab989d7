/** The log does what an array of entries would, while views that it has handed out never change. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  ENTRY_HEADER_BYTES,
  entryBytes,
  EntryKind,
  EntryReader,
  type Entry,
} from '../../../../src/actors/raft/entry.js';
import { checkEncoded, RaftLog } from '../../../../src/actors/raft/raft-log.js';
import { crc32 } from '../../../../src/checksum.js';
import { ConclaveError } from '../../../../src/errors.js';
import { logIndex, term } from '../../../../src/ids.js';
import { contentOf } from './content.js';
import { areEqual, encode, entryOf, KIB, LogComparison, MIB, operation, payloadOf, sliced } from './log-comparison.js';

const brokenInvariant = expect.objectContaining({ code: 'ERR_ASSERTION' });
const refused = expect.objectContaining({ code: 'ERR_PROTOCOL' });

function isAccepted(action: () => unknown): boolean {
  try {
    action();
    return true;
  } catch (error) {
    if (error instanceof ConclaveError && error.code === 'ERR_PROTOCOL') return false;
    throw error;
  }
}

/** Gives entries of this size the checksums of what they say, so that it is what they say that is checked. */
function seal(bytes: Uint8Array, length: number): void {
  const view = new DataView(bytes.buffer);
  for (let start = 0; start < bytes.length; start += length) {
    view.setUint32(start + 32, crc32(bytes.subarray(start + ENTRY_HEADER_BYTES, start + length)), true);
    view.setUint32(start + 36, crc32(bytes.subarray(start, start + 36)), true);
  }
}

function logOf(...terms: number[]): RaftLog {
  const log = new RaftLog();
  terms.forEach((each, i) => log.append(contentOf(EntryKind.block, payloadOf(i + 1)), term(each), 100 + i));
  return log;
}

describe('whatever is done to it', () => {
  test('the log is what an array would be, and views taken before stay as they were', () => {
    const operations = fc.array(operation, { minLength: 2, maxLength: 30, size: 'max' });
    const property = fc.property(operations, (each) => {
      const comparison = new LogComparison();
      for (const op of each) {
        comparison.run(op);
        comparison.verify();
      }
    });

    expect(() => fc.assert(property, { numRuns: 100 })).not.toThrow();
  }, 30_000);
});

describe('an empty log', () => {
  test('ends at 0, in term 0', () => {
    const log = new RaftLog();

    expect([log.firstIndex, log.lastIndex, log.lastTerm, log.lastTimestampMs]).toEqual([1, 0, 0, 0]);
    expect(log.termAt(logIndex(0))).toBe(0);
    expect(log.termAt(logIndex(1))).toBeNull();
    expect(log.lastIndexWithTermAtMost(term(9))).toBeNull();
  });

  test('does not change by appending nothing', () => {
    const log = new RaftLog();
    log.appendEncoded(new Uint8Array(0));
    expect(log.lastIndex).toBe(0);
  });
});

describe('terms', () => {
  test('are found in every run, and runs by their terms', () => {
    const log = logOf(1, 1, 3, 3, 3, 7);

    expect([1, 2, 3, 5, 6].map((index) => log.termAt(logIndex(index)))).toEqual([1, 1, 3, 3, 7]);
    expect([2, 4, 6].map((index) => log.firstIndexOfTermAt(logIndex(index)))).toEqual([1, 3, 6]);
    expect([0, 1, 2, 3, 6, 7, 8].map((each) => log.lastIndexWithTermAtMost(term(each)))).toEqual([
      null,
      2,
      2,
      5,
      5,
      6,
      6,
    ]);
  });

  test('cannot go down along the log', () => {
    expect(() => logOf(2, 1)).toThrow(brokenInvariant);
  });

  test('of the dropped index is still known; a run that it is in begins behind it', () => {
    const log = logOf(1, 1, 3, 3, 3);

    log.dropTo(logIndex(3));

    expect([2, 3, 4].map((index) => log.termAt(logIndex(index)))).toEqual([null, 3, 3]);
    expect(log.firstIndexOfTermAt(logIndex(5))).toBe(4);
    expect(log.lastIndexWithTermAtMost(term(2))).toBeNull();
  });
});

describe('timestamps', () => {
  test('the last one follows truncation, also back to what has been dropped', () => {
    const log = logOf(1, 1, 1, 1);
    log.dropTo(logIndex(2));

    log.truncateAfter(logIndex(3));
    expect(log.lastTimestampMs).toBe(102);

    log.truncateAfter(logIndex(2));
    expect(log.lastTimestampMs).toBe(101);
  });

  test("the last one is the snapshot's where one takes the place of the log", () => {
    const log = logOf(1, 1);

    log.resetTo({ index: logIndex(10), term: term(4), timestampMs: 400 });
    expect(log.lastTimestampMs).toBe(400);

    log.append(contentOf(EntryKind.noop, payloadOf(0)), term(4), 500);
    log.truncateAfter(logIndex(10));
    expect(log.lastTimestampMs).toBe(400);
  });
});

describe('entries that say who the members are', () => {
  const admitting = [1, 2, 3, 4, 5, 6].map((index) =>
    index % 2 === 0 ? { ...entryOf(index, 1), kind: EntryKind.configuration } : entryOf(index, 1),
  );

  test('are known by their indexes, also where they came encoded', () => {
    const log = new RaftLog();
    log.append(contentOf(EntryKind.block, payloadOf(3)), term(1), 0);
    log.append(contentOf(EntryKind.configuration, payloadOf(3)), term(1), 0);
    log.appendEncoded(encode(admitting.slice(2)));
    expect(log.configurationIndexes).toEqual([2, 4, 6]);
  });

  test('are forgotten where the log is cut off, dropped or replaced', () => {
    const log = new RaftLog();
    log.appendEncoded(encode(admitting));

    log.truncateAfter(logIndex(5));
    expect(log.configurationIndexes).toEqual([2, 4]);

    log.dropTo(logIndex(2));
    expect(log.configurationIndexes).toEqual([4]);

    log.resetTo({ index: logIndex(9), term: term(1), timestampMs: 0 });
    expect(log.configurationIndexes).toEqual([]);
  });
});

describe('what is asked of the log must be there', () => {
  test.each<[string, (log: RaftLog) => unknown]>([
    ['an entry that has been dropped', (log) => log.entry(logIndex(1))],
    ['an entry behind the last', (log) => log.entry(logIndex(5))],
    ['a slice from before the first', (log) => log.slice(logIndex(1), logIndex(3), 100)],
    ['a slice to behind the last', (log) => log.slice(logIndex(3), logIndex(5), 100)],
    ['a slice that is upside down', (log) => log.slice(logIndex(4), logIndex(3), 100)],
    ['truncation of what has been dropped', (log) => log.truncateAfter(logIndex(1))],
    ['dropping of what is not there', (log) => log.dropTo(logIndex(5))],
    ['entries that leave a gap', (log) => log.appendEncoded(encode([entryOf(6, 1)]))],
  ])('refuses %s', (_, action) => {
    const log = logOf(1, 1, 1, 1);
    log.dropTo(logIndex(2));
    expect(() => action(log)).toThrow(brokenInvariant);
  });

  test('truncation behind the end and dropping done before change nothing', () => {
    const log = logOf(1, 1, 1);
    log.dropTo(logIndex(2));

    log.truncateAfter(logIndex(9));
    log.dropTo(logIndex(1));

    expect([log.firstIndex, log.lastIndex]).toEqual([3, 3]);
  });
});

describe('slices', () => {
  test('stay as they are when the log is cut off and written again', () => {
    const log = logOf(1, 1, 1);
    const { bytes } = log.slice(logIndex(1), logIndex(3), Infinity);
    const before = bytes.slice();

    log.truncateAfter(logIndex(1));
    log.append(contentOf(EntryKind.noop, payloadOf(50, 0xff)), term(2), 0);

    expect(bytes).toEqual(before);
    expect(log.slice(logIndex(1), logIndex(2), Infinity).lastIndex).toBe(1);
  });

  test('are one view as far as the limit allows, and one entry at least', () => {
    const log = new RaftLog();
    for (let i = 0; i < 10; i++) log.append(contentOf(EntryKind.block, payloadOf(60)), term(1), 0);

    const lastIndexes = [0, 100, 199, 200, 999, 1000, Infinity].map(
      (max) => log.slice(logIndex(1), logIndex(10), max).lastIndex,
    );

    expect(lastIndexes).toEqual([1, 1, 1, 2, 9, 10, 10]);
  });

  test('of a large log are few: memory is contiguous', () => {
    const log = new RaftLog();
    for (let i = 0; i < 100_000; i++) log.append(contentOf(EntryKind.block, payloadOf(60)), term(1), 0);

    let count = 0;
    for (let at = 1; at <= 100_000; count++) at = log.slice(logIndex(at), logIndex(100_000), Infinity).lastIndex + 1;

    expect(count).toBeLessThanOrEqual(12);
  });
});

describe('memory', () => {
  test('an idle log is small', () => {
    expect(new RaftLog().byteLength).toBeLessThanOrEqual(64 * KIB);
  });

  test.each([0, 16, 100, 1000, 40 * KIB, 100 * KIB, 3 * MIB])(
    'payloads of %i bytes cost 8 bytes more each',
    (length) => {
      const log = new RaftLog();
      const count = Math.ceil((24 * MIB) / entryBytes(length));
      const payload = payloadOf(length);
      for (let i = 0; i < count; i++) log.append(contentOf(EntryKind.block, payload), term(1), 0);

      // An arena may end in a gap smaller than what did not fit: a sixteenth of it at most.
      const gaps = length <= 64 * KIB ? Math.min(entryBytes(length) / MIB, 1 / 16) : 0;
      const overhead = log.byteLength - count * entryBytes(length) * (1 + 2 * gaps);
      expect(overhead).toBeLessThanOrEqual(MIB + 64 * KIB + count * 8 + (count * entryBytes(length) * 64) / MIB);
    },
  );

  test.each([100, 100 * KIB])('dropping gives back the memory of entries of %i bytes', (length) => {
    const log = new RaftLog();
    const count = Math.ceil((8 * MIB) / length);
    for (let i = 0; i < count; i++) log.append(contentOf(EntryKind.block, payloadOf(length)), term(1), 0);

    log.dropTo(logIndex(count - 1));

    expect(log.byteLength).toBeLessThan(2 * MIB);
  });

  test('dropping gives back all that it has passed', () => {
    const log = new RaftLog();
    for (let i = 0; i < 5; i++) log.append(contentOf(EntryKind.block, payloadOf(100 * KIB)), term(1), 0);

    log.dropTo(logIndex(3));

    expect(log.byteLength).toBeLessThan(64 * KIB + 2 * 101 * KIB);
  });

  test('does not add up when nothing stays', () => {
    const log = new RaftLog();
    for (let i = 0; i < 200; i++) {
      log.append(contentOf(EntryKind.block, payloadOf(40 * KIB)), term(1), 0);
      log.dropTo(log.lastIndex);
    }
    expect(log.byteLength).toBe(MIB);
  });

  test.each<[string, (log: RaftLog) => void]>([
    ['truncation', (log) => log.truncateAfter(logIndex(0))],
    ['a snapshot', (log) => log.resetTo({ index: log.lastIndex, term: term(1), timestampMs: 0 })],
    ['dropping', (log) => log.dropTo(log.lastIndex)],
  ])('does not grow with repeated filling and %s', (_, empty) => {
    const log = new RaftLog();
    for (let round = 0; round < 20; round++) {
      for (let i = 0; i < 300; i++)
        log.append(contentOf(EntryKind.block, payloadOf(i % 10 === 0 ? 70 * KIB : 3000)), term(1), 0);
      empty(log);
      expect(log.byteLength).toBeLessThanOrEqual(MIB + 64 * KIB);
    }
  });
});

describe('checkEncoded', () => {
  const entries = [entryOf(5, 2), entryOf(6, 2), entryOf(7, 4)];
  const check = (bytes: Uint8Array) => checkEncoded(bytes, logIndex(5), term(2), term(4));

  test('tells where the entries end', () => {
    expect(check(encode(entries))).toEqual({ count: 3, lastIndex: 7, lastTerm: 4, hasConfiguration: false });
  });

  test('finds nothing in nothing', () => {
    expect(check(new Uint8Array(0))).toEqual({ count: 0, lastIndex: 4, lastTerm: 2, hasConfiguration: false });
  });

  test.each<[string, Entry[]]>([
    ['a first index that is not the next', [entryOf(6, 2)]],
    ['a gap', [entryOf(5, 2), entryOf(7, 2)]],
    ['an index twice', [entryOf(5, 2), entryOf(5, 2)]],
    ['an index that is no number', [entryOf(Number.NaN, 2)]],
    ['a term below the one before the entries', [entryOf(5, 1)]],
    ['a term below the one before it', [entryOf(5, 3), entryOf(6, 2)]],
    ["a term above the sender's", [entryOf(5, 5)]],
    ['a term that is not whole', [entryOf(5, 2.5)]],
    ['a term that is no number', [entryOf(5, Number.NaN)]],
    ['a negative timestamp', [entryOf(5, 2, -1)]],
    ['an infinite timestamp', [entryOf(5, 2, Infinity)]],
    ['a timestamp that is no number', [entryOf(5, 2, Number.NaN)]],
  ])('refuses %s', (_, bad) => {
    expect(() => check(encode(bad))).toThrow(refused);
  });

  test('refuses what ends inside of an entry', () => {
    const bytes = encode(entries);
    expect(() => check(bytes.subarray(0, -1))).toThrow(refused);
    expect(() => check(bytes.subarray(0, entryBytes(3) + 4))).toThrow(refused);
  });

  test('tells whether there is one among them that says who the members are', () => {
    const admission = { ...entryOf(6, 2), kind: EntryKind.configuration };
    expect(check(encode([entryOf(5, 2), admission, entryOf(7, 2)])).hasConfiguration).toBe(true);
  });

  test('refuses a single flipped bit wherever it is', () => {
    const bytes = encode(entries);
    for (let bit = 0; bit < 8 * bytes.length; bit++) {
      const damaged = bytes.slice();
      damaged[bit >> 3]! ^= 1 << (bit & 7);
      expect(() => check(damaged), `bit ${bit}`).toThrow(refused);
    }
  });

  test('whatever it lets through can be appended and read back', () => {
    const flips = fc.array(fc.tuple(fc.nat(3 * entryBytes(3) - 1), fc.nat(255)), { maxLength: 3 });
    fc.assert(
      fc.property(flips, (changes) => {
        const bytes = encode(entries);
        for (const [at, value] of changes) bytes[at] = value;
        seal(bytes, entryBytes(3));
        const log = logOf(1, 1, 2, 2);
        fc.pre(isAccepted(() => check(bytes)));

        log.appendEncoded(bytes);

        expect(areEqual(sliced(log, 5, log.lastIndex, Infinity), bytes)).toBe(true);
        const reader = new EntryReader();
        reader.reset(bytes);
        while (reader.next()) expect(log.termAt(reader.index)).toBe(reader.term);
      }),
      { numRuns: 500 },
    );
  });
});

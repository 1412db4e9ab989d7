import { expect, test } from 'vitest';
import { GroupLog } from '../../../../src/actors/log-store/group-log.js';
import { logIndex, term } from '../../../../src/ids.js';

const base = (index: number) => ({ index: logIndex(index), term: term(3), timestampMs: 5 });

/** Adds records of 100 bytes each: segment, position, first and last index. */
function logOf(...records: [number, number, number, number][]): GroupLog {
  const log = new GroupLog();
  for (const [sequence, position, first, last] of records) {
    expect(log.addEntries(sequence, position * 100, position * 100 + 100, first, last)).toBe(true);
  }
  return log;
}

const runsOf = ({ runs }: GroupLog) =>
  runs.map(({ sequence, startOffset, endOffset, firstIndex, lastIndex }) => [
    sequence,
    startOffset,
    endOffset,
    firstIndex,
    lastIndex,
  ]);

test('of a log without records nothing is known', () => {
  const log = new GroupLog();

  expect([log.firstIndex, log.lastIndex, log.hardState, log.base]).toEqual([null, null, null, null]);
});

test('records that follow each other in one segment are one run, also where a log was dropped from the front', () => {
  const log = logOf([2, 1, 40, 41], [2, 2, 42, 42], [2, 5, 43, 50], [3, 1, 51, 51]);

  expect(runsOf(log)).toEqual([
    [2, 100, 600, 40, 50],
    [3, 100, 200, 51, 51],
  ]);
  expect([log.firstIndex, log.lastIndex]).toEqual([40, 51]);
});

test('a record that begins earlier replaces what was there and behind', () => {
  const log = logOf([1, 1, 1, 5], [1, 2, 6, 9], [2, 1, 10, 20], [2, 2, 4, 4], [2, 3, 5, 6]);

  expect(runsOf(log)).toEqual([
    [1, 100, 300, 1, 3],
    [2, 200, 400, 4, 6],
  ]);
});

test('what follows a run that was shortened is a run of its own, even in the same segment', () => {
  const log = logOf([1, 1, 1, 9], [1, 2, 10, 20], [1, 3, 11, 11], [1, 4, 10, 10], [1, 5, 11, 12]);

  expect(runsOf(log)).toEqual([
    [1, 100, 300, 1, 9],
    [1, 400, 600, 10, 12],
  ]);
});

test('a record may replace everything', () => {
  const log = logOf([1, 1, 5, 9], [1, 2, 5, 6]);

  expect(runsOf(log)).toEqual([[1, 200, 300, 5, 6]]);
});

test('a gap is refused, and changes nothing', () => {
  const log = logOf([1, 1, 1, 5]);

  expect(log.addEntries(1, 200, 300, 7, 8)).toBe(false);
  expect(runsOf(log)).toEqual([[1, 100, 200, 1, 5]]);
});

test('a reset empties the log, and only what follows it may come next', () => {
  const log = logOf([1, 1, 1, 5]);

  log.reset(base(10));

  expect([log.firstIndex, log.lastIndex, log.base]).toEqual([11, 10, base(10)]);
  expect(log.addEntries(1, 200, 300, 12, 12)).toBe(false);
  expect(log.addEntries(1, 200, 300, 10, 11)).toBe(false);
  expect(log.addEntries(1, 200, 300, 11, 12)).toBe(true);
  expect(log.addEntries(1, 300, 400, 11, 11)).toBe(true);
  expect(runsOf(log)).toEqual([[1, 300, 400, 11, 11]]);
});

import { describe, expect, test } from 'vitest';
import { CompactionTrigger, type CompactionBounds } from '../../../../src/actors/snapshotter/compaction-trigger.js';
import { logIndex } from '../../../../src/ids.js';

const BOUNDS: CompactionBounds = { entries: 10_000, bytes: 1_000_000, intervalMs: null };
const NOTHING = { index: logIndex(0), bytes: 0, stateBytes: 0, appliedBytes: 0, takenMs: 0 };

/** The first indexes at which a node takes snapshots, when each entry has `entryBytes`. */
function indexes(bounds: CompactionBounds, position: number, nodes: number, count: number, entryBytes = 0): number[] {
  const trigger = new CompactionTrigger(bounds, position, nodes, NOTHING);
  const taken: number[] = [];
  for (let index = 1; taken.length < count; index++) {
    if (!trigger.isDue(logIndex(index), index * entryBytes, 0)) continue;
    taken.push(index);
    trigger.reset({ index: logIndex(index), bytes: 0, stateBytes: 0, appliedBytes: index * entryBytes, takenMs: 0 });
    trigger.settle();
  }
  return taken;
}

describe('a snapshot is due', () => {
  test('after so many entries, apart on each of three nodes', () => {
    expect(indexes(BOUNDS, 0, 3, 3)).toEqual([10_000, 20_000, 30_000]);
    expect(indexes(BOUNDS, 1, 3, 3)).toEqual([13_334, 23_334, 33_334]);
    expect(indexes(BOUNDS, 2, 3, 3)).toEqual([16_667, 26_667, 36_667]);
  });

  test('by where the node stands now, until it has taken one because it was due', () => {
    const trigger = new CompactionTrigger(BOUNDS, 0, 1, NOTHING);
    trigger.move(1, 2);
    expect(trigger.isDue(logIndex(14_999), 0, 0)).toBe(false);
    expect(trigger.isDue(logIndex(15_000), 0, 0)).toBe(true);
    trigger.settle();
    trigger.move(2, 4);
    expect(trigger.isDue(logIndex(10_000), 0, 0)).toBe(true);
  });

  test('after so many bytes', () => {
    expect(indexes(BOUNDS, 0, 1, 2, 1_000)).toEqual([1_000, 2_000]);
  });

  test.each([
    ['the snapshot has', 5_000_000, 50_000_000],
    ['half the state has, where that is less', 9_000_000, 10_000_000],
  ])('not before as many bytes as %s', (_, bytes, stateBytes) => {
    const trigger = new CompactionTrigger(BOUNDS, 0, 1, { ...NOTHING, bytes, stateBytes, appliedBytes: 100 });

    expect(trigger.isDue(logIndex(9), 5_000_099, 0)).toBe(false);
    expect(trigger.isDue(logIndex(9), 5_000_100, 0)).toBe(true);
  });

  test('after so much time, if there is anything new', () => {
    const bounds = { ...BOUNDS, intervalMs: 60_000 };
    const trigger = new CompactionTrigger(bounds, 1, 2, { ...NOTHING, index: logIndex(5), takenMs: 1_000 });

    expect(trigger.isDue(logIndex(5), 0, 1_000_000)).toBe(false);
    expect(trigger.isDue(logIndex(6), 0, 90_999)).toBe(false);
    expect(trigger.isDue(logIndex(6), 0, 91_000)).toBe(true);
  });

  test('never by time alone unless that was asked for', () => {
    const trigger = new CompactionTrigger(BOUNDS, 0, 1, NOTHING);

    expect(trigger.isDue(logIndex(6), 0, 1e12)).toBe(false);
  });
});

test('a snapshot is overdue when half as many bytes again have been applied as made it due', () => {
  const trigger = new CompactionTrigger(BOUNDS, 1, 2, { ...NOTHING, appliedBytes: 100 });

  expect(trigger.isOverdue(2_250_099)).toBe(false);
  expect(trigger.isOverdue(2_250_100)).toBe(true);
});

/** How much of a snapshot is asked for at a time, and when again. */

import { beforeEach, describe, expect, test } from 'vitest';
import { FetchPace, type Asked } from '../../../../src/actors/snapshotter/fetch-pace.js';

const KIB = 1024;

let pace: FetchPace;
let nowMs: number;

beforeEach(() => {
  pace = new FetchPace();
  nowMs = 0;
});

function ask(): Asked {
  return { length: pace.rangeBytes, firstMs: nowMs, sentMs: nowMs };
}

/** Ranges are asked for one behind the other, and each takes this long. */
function take(...timesMs: number[]): void {
  for (const ms of timesMs) {
    const asked = ask();
    nowMs += ms;
    pace.arrived(asked, nowMs);
  }
}

describe('the length of a range', () => {
  test('is small first, and twice as much after each round trip, up to 256 KiB', () => {
    const lengths = [1, 1, 1, 1, 1, 1, 1].map((ms) => {
      const { rangeBytes } = pace;
      take(ms);
      return rangeBytes / KIB;
    });

    expect(lengths).toEqual([16, 16, 32, 64, 128, 256, 256]);
  });

  test('stays where ranges wait behind each other, and becomes smaller where they do so for half a second', () => {
    take(10, 10, 10, 10);
    const grownTo = pace.rangeBytes;

    take(260, 510);
    const stayedAt = pace.rangeBytes;
    take(511);

    expect([grownTo, stayedAt, pace.rangeBytes].map((bytes) => bytes / KIB)).toEqual([128, 128, 64]);
  });

  test('stays where they come late but all at once: not the link is slow, but whoever sends or takes them', () => {
    take(1, 1, 1, 1, 1, 1);
    for (let turn = 0; turn < 5; turn++) {
      const together = [ask(), ask(), ask(), ask()];
      nowMs += 900;
      for (const asked of together) pace.arrived(asked, (nowMs += 1));
    }

    expect(pace.rangeBytes / KIB).toBe(256);
  });

  test('changes once for all that was asked for before it did', () => {
    take(10, 10);
    const together = [ask(), ask(), ask(), ask()];

    for (const asked of together) pace.arrived(asked, (nowMs += 10));

    expect(pace.rangeBytes / KIB).toBe(64);
  });

  test('does not go by what was asked for twice', () => {
    take(10, 10);
    const asked = ask();
    asked.sentMs = nowMs += 1_000;

    pace.arrived(asked, (nowMs += 5));

    expect(pace.rangeBytes / KIB).toBe(32);
  });
});

describe('a range is overdue', () => {
  test('a second after it was asked for', () => {
    const asked = ask();

    expect([999, 1_000].map((ms) => pace.isOverdue(asked, ms))).toEqual([false, true]);
  });

  test('a second after anything has come, be it what had come before', () => {
    const asked = ask();
    pace.arrived(null, 700);

    expect([1_699, 1_700].map((ms) => pace.isOverdue(asked, ms))).toEqual([false, true]);
  });

  test('after twice as long each time that it is asked for again, up to 20 seconds', () => {
    const waits = [1, 2, 3, 4, 5, 6].map(() => {
      const asked = ask();
      let ms = 0;
      while (!pace.isOverdue(asked, nowMs + ms)) ms += 1_000;
      pace.retried();
      return ms;
    });

    expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 20_000]);
  });

  test('after twice as long as the last one took, and a second at least', () => {
    take(3_000);
    const afterSlow = pace.isOverdue(ask(), nowMs + 5_999);
    take(10);

    expect([afterSlow, pace.isOverdue(ask(), nowMs + 999), pace.isOverdue(ask(), nowMs + 1_000)]).toEqual([
      false,
      false,
      true,
    ]);
  });
});

import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { LoopWatch } from '../../../bench/storage/loop-watch.js';

/** The clock as the watch reads it; timers fire only when they are told to. */
let nowMs = 0;

beforeEach(() => {
  nowMs = 1000;
  vi.useFakeTimers({ toFake: ['setInterval'] });
  vi.spyOn(performance, 'now').mockImplementation(() => nowMs);
});

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** The thread turns to its next event so much later than to the last. */
function nextEventAfter(ms: number): void {
  nowMs += ms;
  vi.advanceTimersToNextTimer();
}

test('the longest stall since the last look is seen, once', () => {
  const watch = new LoopWatch();
  for (const ms of [2, 40, 2, 10, 2]) nextEventAfter(ms);

  expect(watch.takeLongestMs()).toBe(40);

  for (const ms of [2, 3, 2]) nextEventAfter(ms);
  expect(watch.takeLongestMs()).toBe(3);
});

test('a stall that goes on from one look to the next belongs to the second', () => {
  const watch = new LoopWatch();
  nextEventAfter(2);
  watch.takeLongestMs();

  nowMs += 40;

  expect(watch.takeLongestMs()).toBe(40);
});

import { describe, expect, it } from 'vitest';
import type { Timer } from '../../../src/runtime/actor.js';
import { randomBelow, SeededRandom } from '../../../src/runtime/random.js';
import { TimerQueue } from '../../../src/runtime/timer-queue.js';

describe('TimerQueue', () => {
  it('gives timers in order of their time, those of equal time in order of creation', () => {
    const queue = new TimerQueue();
    const fired: string[] = [];
    for (const [dueMs, name] of [
      [5, 'c'],
      [1, 'a'],
      [5, 'd'],
      [3, 'b'],
      [9, 'e'],
    ] as const) {
      queue.add(dueMs, () => fired.push(name));
    }

    runDue(queue, 5);

    expect(fired).toEqual(['a', 'b', 'c', 'd']);
    expect(queue.nextDueMs).toBe(9);
  });

  it('forgets cancelled timers, wherever they are in the queue', () => {
    const seed = 11;
    const random = new SeededRandom(seed);
    const queue = new TimerQueue();
    const fired: number[] = [];
    const timers = Array.from({ length: 500 }, (_, id) => {
      const dueMs = randomBelow(random, 100);
      return { id, dueMs, timer: queue.add(dueMs, () => fired.push(id)) };
    });

    const kept = timers.filter(({ timer }) => randomBelow(random, 2) === 0 || cancelTwice(timer));
    runDue(queue, 100);

    const expected = kept.sort((a, b) => a.dueMs - b.dueMs || a.id - b.id).map(({ id }) => id);
    expect(fired, `seed ${seed}`).toEqual(expected);
    expect(queue.nextDueMs).toBe(Infinity);
  });
});

function runDue(queue: TimerQueue, nowMs: number): void {
  for (let run = queue.takeDue(nowMs); run !== undefined; run = queue.takeDue(nowMs)) run();
}

function cancelTwice(timer: Timer): false {
  timer.cancel();
  timer.cancel();
  return false;
}

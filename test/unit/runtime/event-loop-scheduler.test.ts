import { setImmediate as immediate } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import type { Clock } from '../../../src/runtime/clock.js';
import { EventLoopScheduler } from '../../../src/runtime/event-loop-scheduler.js';
import type { Task } from '../../../src/runtime/scheduler.js';

describe('EventLoopScheduler', () => {
  it('runs nothing before the caller has finished, and then everything that was gathered', async () => {
    const scheduler = new EventLoopScheduler();
    const ran: string[] = [];
    scheduler.scheduleLast(note(ran, 'last'));
    scheduler.schedule(note(ran, 'a'));
    scheduler.schedule(note(ran, 'b'));
    expect(ran).toEqual([]);

    await immediate();

    expect(ran).toEqual(['a', 'b', 'last']);
  });

  it('runs what an event has scheduled before the event is over', () => {
    const scheduler = new EventLoopScheduler();
    const ran: string[] = [];

    scheduler.onEvent((name: string) => scheduler.schedule(note(ran, name)), 'a');

    expect(ran).toEqual(['a']);
  });

  it('sees to I/O while tasks keep each other busy', async () => {
    const scheduler = new EventLoopScheduler();
    let isOver = false;
    const busy: Task = { run: () => void (isOver || scheduler.schedule(busy)) };

    scheduler.schedule(busy);
    for (let turn = 0; turn < 3; turn++) await immediate();
    isOver = true;

    expect(isOver).toBe(true);
  });

  it('sees to I/O while a program answers each drain by another', async () => {
    const scheduler = new EventLoopScheduler();
    let isOver = false;
    const loop = async (): Promise<void> => {
      while (!isOver) await new Promise<void>((resolve) => scheduler.schedule({ run: () => resolve() }));
    };

    const looping = loop();
    for (let turn = 0; turn < 3; turn++) await immediate();
    isOver = true;

    await looping;
  });

  it('goes on with the other tasks after one has thrown', async () => {
    const scheduler = new EventLoopScheduler();
    const ran: string[] = [];
    const failing = (): void =>
      scheduler.onEvent(() => {
        scheduler.schedule({
          run: () => {
            throw new Error('a defect');
          },
        });
        scheduler.schedule(note(ran, 'b'));
      }, undefined);

    expect(failing).toThrowError('a defect');
    await immediate();

    expect(ran).toEqual(['b']);
  });

  it('never fires a timer early, and fires timers in order', async () => {
    const startMs = performance.now();
    let areSet = false;
    // All are set at one moment, however long the thread is kept waiting between two of them.
    const nowMs = (): number => (areSet ? performance.now() : startMs);
    const scheduler = new EventLoopScheduler({ nowMs, wallMs: nowMs });
    const fired: { readonly name: string; readonly atMs: number }[] = [];
    const fire = (name: string) => (): void => void fired.push({ name, atMs: performance.now() - startMs });

    scheduler.after(12, fire('c'));
    scheduler.after(3, fire('a'));
    scheduler.after(7, fire('b'));
    scheduler.after(5, fire('cancelled')).cancel();
    areSet = true;
    await vi.waitFor(() => expect(fired).toHaveLength(3));

    expect(fired.map(({ name }) => name)).toEqual(['a', 'b', 'c']);
    for (const [i, afterMs] of [3, 7, 12].entries()) expect(fired[i]!.atMs).toBeGreaterThanOrEqual(afterMs);
  });

  it('waits in stages for a time beyond what a native timeout can hold', () => {
    vi.useFakeTimers();
    try {
      const clock: Clock = { nowMs: () => Date.now(), wallMs: () => Date.now() };
      const scheduler = new EventLoopScheduler(clock);
      const fired = vi.fn();
      scheduler.after(2 ** 31 + 5, fired);

      vi.advanceTimersByTime(2 ** 31 + 4);
      expect(fired).not.toHaveBeenCalled();
      vi.advanceTimersByTime(1);

      expect(fired).toHaveBeenCalledOnce();
    } finally {
      vi.useRealTimers();
    }
  });
});

function note(ran: string[], name: string): Task {
  return { run: () => void ran.push(name) };
}

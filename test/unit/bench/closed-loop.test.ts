import { describe, expect, test } from 'vitest';
import { runClosedLoop } from '../../../bench/load/closed-loop.js';

const SHORT = { warmupMs: 5, durationMs: 20 };

/** A call that is answered a turn later, and a count of those that are not answered yet. */
function turnLater() {
  /** `most` were in flight at a time, in each of the spans between two times at which none was. */
  const seen = { inFlight: 0, most: [0], calls: 0 };
  const call = async (): Promise<void> => {
    seen.calls++;
    seen.most.push(Math.max(seen.most.pop()!, ++seen.inFlight));
    await new Promise((resolve) => setImmediate(resolve));
    if (--seen.inFlight === 0) seen.most.push(0);
  };
  return { seen, call };
}

describe('the load', () => {
  test.each([1, 7, 300])('keeps exactly %i calls in flight once it is warm, and lets all finish', async (window) => {
    const { seen, call } = turnLater();

    await runClosedLoop(call, { ...SHORT, window });

    expect(seen.most[0]).toBe(Math.max(window, 100));
    expect(seen.most.at(-2)).toBe(window);
    expect(seen.inFlight).toBe(0);
  });

  test('counts what finished in its time, not what came before', async () => {
    const { seen, call } = turnLater();

    const result = await runClosedLoop(call, { ...SHORT, window: 10 });

    expect(result.commands).toBeGreaterThan(0);
    expect(result.commands).toBeLessThan(seen.calls);
    expect(result.commandsPerSecond).toBeCloseTo((result.commands / result.durationMs) * 1000);
  });

  test('times every call of a small window, and every k-th of a large one', async () => {
    const small = await runClosedLoop(turnLater().call, { ...SHORT, window: 10 });
    const large = await runClosedLoop(turnLater().call, { ...SHORT, window: 640 });

    expect(small.timedEvery).toBe(1);
    expect(small.timedCommands).toBe(small.commands);
    expect(large.timedEvery).toBe(10);
    expect(large.timedCommands).toBeLessThan(large.commands / 5);
    expect(large.p99Ms).toBeGreaterThanOrEqual(large.p50Ms);
  });

  test('fails with the first error of a call', async () => {
    let calls = 0;
    const call = async (): Promise<void> => {
      await new Promise((resolve) => setImmediate(resolve));
      if (++calls === 20) throw new Error('the twentieth');
    };

    await expect(runClosedLoop(call, { ...SHORT, durationMs: 10_000, window: 3 })).rejects.toThrow('the twentieth');
  });
});

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { PacedLoad } from '../../../bench/load/paced-load.js';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'setTimeout', 'performance'] });
});

afterEach(() => {
  vi.useRealTimers();
});

/** A service that answers after 2 ms, and not at all while it is stalled. */
class Service {
  inFlight = 0;
  inFlightMost = 0;
  calls = 0;
  #stalled: Promise<void> | null = null;

  readonly call = async (): Promise<void> => {
    this.calls++;
    this.inFlightMost = Math.max(this.inFlightMost, ++this.inFlight);
    await this.#stalled;
    await new Promise((resolve) => setTimeout(resolve, 2));
    this.inFlight--;
  };

  stall(durationMs: number): void {
    this.#stalled = new Promise((resolve) => {
      setTimeout(() => {
        this.#stalled = null;
        resolve();
      }, durationMs);
    });
  }
}

const SETTINGS = { callsPerSecond: 1_000, inFlightMax: 100_000 };

describe('the paced load', () => {
  test('makes as many calls as are due, whether or not they are answered', async () => {
    const service = new Service();
    const load = new PacedLoad(service.call, SETTINGS, 'all');

    service.stall(500);
    await vi.advanceTimersByTimeAsync(100);

    expect(service.calls).toBe(101);
    expect(service.inFlight).toBe(101);
    await vi.advanceTimersByTimeAsync(500);
    const finished = load.finish();
    await vi.advanceTimersByTimeAsync(10);
    expect((await finished).all).toMatchObject({ calls: 601, durationMs: 600 });
  });

  test('measures each call from when it should have started: a stall counts for all that it held up', async () => {
    const service = new Service();
    const load = new PacedLoad(service.call, SETTINGS, 'all');
    await vi.advanceTimersByTimeAsync(900);

    service.stall(100);
    await vi.advanceTimersByTimeAsync(100);
    const finished = load.finish();
    await vi.advanceTimersByTimeAsync(10);
    const { p50Ms, p99Ms, maxMs } = (await finished).all!;

    expect(p50Ms).toBeLessThan(4);
    // A tenth of the calls fell into the stall; the slowest hundredth into its first 10 ms.
    expect(p99Ms).toBeGreaterThan(90);
    expect(maxMs).toBeGreaterThan(99);
  });

  test('counts the time of calls that had to wait before they were made', async () => {
    const service = new Service();
    const load = new PacedLoad(service.call, { ...SETTINGS, inFlightMax: 5 }, 'all');

    service.stall(100);
    await vi.advanceTimersByTimeAsync(100);
    const finished = load.finish();
    await vi.advanceTimersByTimeAsync(200);
    const { calls, maxMs, p50Ms } = (await finished).all!;

    expect(service.inFlightMost).toBe(5);
    expect(calls).toBe(101);
    expect(maxMs).toBeGreaterThan(99);
    expect(p50Ms).toBeGreaterThan(50);
  });

  test('counts a call for the phase in which it should have started, and adds up what was entered twice', async () => {
    const service = new Service();
    const load = new PacedLoad(service.call, { ...SETTINGS, inFlightMax: 5 }, 'before');
    await vi.advanceTimersByTimeAsync(100);

    load.enter('stalled');
    service.stall(50);
    await vi.advanceTimersByTimeAsync(50);
    load.enter('before');
    await vi.advanceTimersByTimeAsync(100);
    const finished = load.finish();
    await vi.advanceTimersByTimeAsync(100);
    const { before, stalled } = await finished;

    expect(stalled).toMatchObject({ calls: 50, durationMs: 50 });
    expect(before).toMatchObject({ calls: 201, durationMs: 200 });
    expect(stalled!.maxMs).toBeGreaterThan(50);
    expect(before!.maxMs).toBeLessThan(50);
  });

  test('says of several phases together what became of their calls', async () => {
    const service = new Service();
    const load = new PacedLoad(service.call, SETTINGS, 'quiet');
    await vi.advanceTimersByTimeAsync(50);
    load.enter('noisy');
    service.stall(20);
    await vi.advanceTimersByTimeAsync(50);
    const finished = load.finish({ both: ['quiet', 'noisy'] });
    await vi.advanceTimersByTimeAsync(10);
    const { quiet, noisy, both } = await finished;

    expect(both).toMatchObject({ calls: quiet!.calls + noisy!.calls, durationMs: 100, maxMs: noisy!.maxMs });
    expect(both!.p50Ms).toBeLessThan(noisy!.maxMs);
  });

  test('ends with the first error of a call', async () => {
    let calls = 0;
    const call = async (): Promise<void> => {
      if (++calls === 20) throw new Error('the twentieth');
    };
    const load = new PacedLoad(call, SETTINGS, 'all');
    await vi.advanceTimersByTimeAsync(100);

    await expect(load.finish()).rejects.toThrow('the twentieth');
    expect(calls).toBeLessThan(40);
  });
});

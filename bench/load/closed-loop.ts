/**
 * The load: a fixed number of calls in flight, each of which starts the next one when it finishes. Runs on the thread
 * that makes the calls and shares it with what is measured, so it does next to nothing per call: a counter for all of
 * them, a clock for a few.
 */

import { createHistogram, monitorEventLoopDelay, performance, type RecordableHistogram } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';

/** Not more calls than this are timed at once: reading the clock twice costs as much as a call does. */
const TIMED_MAX = 64;
/**
 * A warm-up has at least this many calls in flight: with one at a time it would take the engine longer to compile what
 * is measured than the measurement lasts.
 */
const WARMUP_WINDOW_MIN = 100;
/** After the warm-up, the stated window runs for this long before anything is counted. */
const SETTLE_MS = 250;
const LOOP_RESOLUTION_MS = 1;
const NS_PER_MS = 1e6;
/** The channel to the parent keeps the process alive; a timer that outlives a failed run must not. */
const UNREF = { ref: false } as const;

export interface LoadSettings {
  /** Calls in flight, at any time. */
  readonly window: number;
  /** Runs before anything is counted, with the window or 100 calls in flight, whichever is more. */
  readonly warmupMs: number;
  readonly durationMs: number;
}

export interface LoadResult {
  readonly commands: number;
  readonly durationMs: number;
  readonly commandsPerSecond: number;
  /** Each k-th of the calls in flight was timed, always the same ones; 1: all of them. */
  readonly timedEvery: number;
  readonly timedCommands: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** How late a timer of the calling thread fired, at the 99th percentile. */
  readonly eventLoopDelayP99Ms: number;
  /** How busy the calling thread was, from 0 to 1. */
  readonly eventLoopUtilization: number;
}

/**
 * Keeps `window` calls in flight for the stated time, then lets them finish.
 *
 * Rejects with the first error of a call: a benchmark of failures would be worth nothing.
 */
export async function runClosedLoop(call: () => Promise<unknown>, settings: LoadSettings): Promise<LoadResult> {
  const { window, warmupMs, durationMs } = settings;
  await warmUp(call, Math.max(window, WARMUP_WINDOW_MIN), warmupMs);
  const load = new ClosedLoop(call, window);
  const loopDelay = monitorEventLoopDelay({ resolution: LOOP_RESOLUTION_MS });
  try {
    const finished = load.start();
    await Promise.race([delay(SETTLE_MS, undefined, UNREF), finished]);
    loopDelay.enable();
    const utilization = performance.eventLoopUtilization();
    const [commandsBefore, startedAt] = [load.completed, performance.now()];
    load.latencies.reset();
    await Promise.race([delay(durationMs, undefined, UNREF), finished]);
    const [commandsAfter, endedAt] = [load.completed, performance.now()];
    loopDelay.disable();
    const { utilization: eventLoopUtilization } = performance.eventLoopUtilization(utilization);
    const { latencies } = load;
    const [timedCommands, p50Ms, p99Ms, maxMs] = [
      latencies.count,
      latencies.percentile(50) / NS_PER_MS,
      latencies.percentile(99) / NS_PER_MS,
      latencies.max / NS_PER_MS,
    ];
    load.stop();
    await finished;
    return {
      commands: commandsAfter - commandsBefore,
      durationMs: endedAt - startedAt,
      commandsPerSecond: ((commandsAfter - commandsBefore) / (endedAt - startedAt)) * 1000,
      timedEvery: load.timedEvery,
      timedCommands,
      p50Ms,
      p99Ms,
      maxMs,
      eventLoopDelayP99Ms: Math.max(0, loopDelay.percentile(99) / NS_PER_MS - LOOP_RESOLUTION_MS),
      eventLoopUtilization,
    };
  } finally {
    load.stop();
    loopDelay.disable();
  }
}

async function warmUp(call: () => Promise<unknown>, window: number, warmupMs: number): Promise<void> {
  const load = new ClosedLoop(call, window);
  const finished = load.start();
  await Promise.race([delay(warmupMs, undefined, UNREF), finished]);
  load.stop();
  await finished;
}

class ClosedLoop {
  readonly latencies: RecordableHistogram = createHistogram();
  readonly timedEvery: number;
  completed = 0;
  readonly #call: () => Promise<unknown>;
  readonly #window: number;
  #inFlight = 0;
  #running = true;
  #resolve: () => void = () => undefined;
  #reject: (error: unknown) => void = () => undefined;

  constructor(call: () => Promise<unknown>, window: number) {
    this.#call = call;
    this.#window = window;
    this.timedEvery = Math.ceil(window / TIMED_MAX);
  }

  /** Resolves once the load has been stopped and nothing is in flight; rejects with the first error. */
  start(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
      const next = (): void => {
        this.completed++;
        if (this.#running) this.#call().then(next, this.#fail);
        else this.#leave();
      };
      for (let slot = 0; slot < this.#window; slot++) {
        this.#inFlight++;
        if (slot % this.timedEvery === 0) this.#startTimed();
        else this.#call().then(next, this.#fail);
      }
    });
  }

  stop(): void {
    this.#running = false;
  }

  /** One call after another, each timed: the end of one is the start of the next. */
  #startTimed(): void {
    let startedAt = performance.now();
    const next = (): void => {
      const now = performance.now();
      this.latencies.record(Math.max(1, Math.round((now - startedAt) * NS_PER_MS)));
      this.completed++;
      if (this.#running) {
        startedAt = now;
        this.#call().then(next, this.#fail);
      } else {
        this.#leave();
      }
    };
    this.#call().then(next, this.#fail);
  }

  readonly #fail = (error: unknown): void => {
    this.#running = false;
    this.#reject(error);
  };

  #leave(): void {
    if (--this.#inFlight === 0) this.#resolve();
  }
}

/**
 * How busy and how late the event loop of a thread is, on that thread. It costs nothing until it is asked for the first
 * time, and from then on a timer of Node's own that fires every 20 ms and keeps nothing alive.
 */

import { monitorEventLoopDelay, performance, type EventLoopUtilization, type IntervalHistogram } from 'node:perf_hooks';

/** Since the time before that they were asked for; all zero the first time. */
export interface LoopFigures {
  /** From 0, always waiting, to 1, never. */
  readonly utilization: number;
  /** How much later than they should have been timers were called, in milliseconds. */
  readonly delayP50Ms: number;
  readonly delayP99Ms: number;
  readonly delayMaxMs: number;
}

const RESOLUTION_MS = 20;
const NS_PER_MS = 1_000_000;

export class LoopMeter {
  #delays: IntervalHistogram | null = null;
  #utilization: EventLoopUtilization | null = null;
  #isStopped = false;

  measure(): LoopFigures {
    const utilization = performance.eventLoopUtilization();
    const before = this.#utilization;
    const delays = this.#delays;
    this.#utilization = utilization;
    if (delays === null || before === null) {
      if (!this.#isStopped) this.#start();
      return { utilization: 0, delayP50Ms: 0, delayP99Ms: 0, delayMaxMs: 0 };
    }
    const figures = {
      utilization: performance.eventLoopUtilization(utilization, before).utilization,
      delayP50Ms: delayMs(delays, delays.percentile(50)),
      delayP99Ms: delayMs(delays, delays.percentile(99)),
      delayMaxMs: delayMs(delays, delays.max),
    };
    delays.reset();
    return figures;
  }

  #start(): void {
    this.#delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
    this.#delays.enable();
  }

  /** From now on all figures are zero. */
  stop(): void {
    this.#isStopped = true;
    this.#delays?.disable();
    this.#delays = null;
  }
}

/** What is recorded is the time from one call of the timer to the next. */
function delayMs({ count }: IntervalHistogram, intervalNs: number): number {
  return count === 0 ? 0 : Math.max(0, intervalNs / NS_PER_MS - RESOLUTION_MS);
}

/**
 * The load of those who hold locks and say again and again that they are still there, whoever keeps the locks. Each
 * does so one at a time, as one process with one connection would. Runs in the processes that call.
 */

import { setTimeout as delay } from 'node:timers/promises';
import { runClosedLoop, type LoadSettings } from '../load/closed-loop.js';
import { PacedLoad } from '../load/paced-load.js';

/** Says that whoever holds a lock is there. Rejects unless it is told that it holds. */
export type Beat = () => Promise<unknown>;

/** Holds a lock from now on. */
export type Hold = (name: string) => Promise<Beat>;

export interface HeartbeatsRequest extends LoadSettings {
  readonly names: number;
  /** Heartbeats that are due; null: each that finishes starts the next one. */
  readonly callsPerSecond: number | null;
}

export interface HeartbeatsResult {
  /** Those that finished, until the last of them had. */
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** Holds so many names, and beats for all of them in turn. */
export async function runHeartbeats(hold: Hold, request: HeartbeatsRequest): Promise<HeartbeatsResult> {
  const { names, callsPerSecond } = request;
  const beats = await Promise.all(Array.from({ length: names }, (_, index) => hold(`name${index}`)));
  return callsPerSecond === null ? runClosed(beats, request) : runPaced(beats, { ...request, callsPerSecond });
}

async function runClosed(beats: readonly Beat[], load: HeartbeatsRequest): Promise<HeartbeatsResult> {
  const free = [...beats];
  const call = async (): Promise<void> => {
    const beat = free.shift();
    if (beat === undefined) throw new Error(`There are more than ${beats.length} calls in flight.`);
    await beat();
    free.push(beat);
  };
  const { commandsPerSecond, p50Ms, p99Ms, maxMs } = await runClosedLoop(call, load);
  return { perSecond: commandsPerSecond, p50Ms, p99Ms, maxMs };
}

async function runPaced(
  beats: readonly Beat[],
  { callsPerSecond, window, warmupMs, durationMs }: HeartbeatsRequest & { readonly callsPerSecond: number },
): Promise<HeartbeatsResult> {
  const lasts = beats.map((): Promise<unknown> => Promise.resolve());
  const call = (index: number): Promise<unknown> => {
    const who = index % beats.length;
    return (lasts[who] = lasts[who]!.then(beats[who]));
  };
  const load = new PacedLoad(call, { callsPerSecond, inFlightMax: window }, 'warm-up');
  await delay(warmupMs);
  const startedAtMs = performance.now();
  load.enter('measured');
  await delay(durationMs);
  const { calls, p50Ms, p99Ms, maxMs } = (await load.finish())['measured']!;
  // What was due and came late has finished later: then there were fewer per second than were due.
  return { perSecond: (calls / (performance.now() - startedAtMs)) * 1000, p50Ms, p99Ms, maxMs };
}

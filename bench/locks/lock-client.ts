/**
 * Locks as the benchmark uses them, whoever keeps them; and the two loads that one process can make by itself. Runs in
 * the processes that call.
 */

import { runClosedLoop, type LoadResult, type LoadSettings } from '../load/closed-loop.js';

export type Release = () => Promise<void>;

export interface LockClient {
  /** Holds a lock that nobody else wants. */
  acquire(name: string): Promise<Release>;
  /** Waits for a lock that others want, too. */
  wait(name: string): Promise<Release>;
}

export interface PairsRequest extends LoadSettings {
  readonly names: number;
}

/** One who has waited, in microseconds on the one monotonic clock that all processes of the machine share. */
export interface Turn {
  /** Its place, by when it asked. */
  readonly place: number;
  readonly grantedAtUs: number;
  /** When it began to give it back, which was at once. */
  readonly releasedAtUs: number;
}

/** Takes names in turn, each by one caller at a time, and gives them back at once. */
export function runPairs(client: LockClient, { names, ...load }: PairsRequest): Promise<LoadResult> {
  const free = Array.from({ length: names }, (_, index) => `name${index}`);
  const pair = async (): Promise<void> => {
    const name = free.shift();
    if (name === undefined) throw new Error(`There are more than ${names} calls in flight.`);
    const release = await client.acquire(name);
    await release();
    free.push(name);
  };
  return runClosedLoop(pair, load);
}

/** Waits for its turn, and gives it to the next one at once. */
export async function takeTurn(client: LockClient, name: string, place: number): Promise<Turn> {
  const release = await client.wait(name);
  const grantedAtUs = nowUs();
  const releasedAtUs = nowUs();
  await release();
  return { place, grantedAtUs, releasedAtUs };
}

export function nowUs(): number {
  return Number(process.hrtime.bigint() / 1000n);
}

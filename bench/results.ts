/** The form of bench/results/*.json: what `npm run bench` writes and `npm run bench:report` reads. */

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Environment } from './environment.js';
import type { LoadResult } from './load/closed-loop.js';
import type { LoadRow, MemoryRow } from './matrix.js';

export const RESULTS_FORMAT = 1;

export interface LoadOutcome {
  readonly row: LoadRow;
  /** Of all rounds, the one with the median rate. */
  readonly result: LoadResult;
  readonly rounds: readonly LoadResult[];
  /** The same commands with no consensus, measured right after each round; null where there is no such thing. */
  readonly limit: { readonly result: LoadResult; readonly rounds: readonly LoadResult[] } | null;
}

export interface MemoryOutcome {
  readonly row: MemoryRow;
  /** Commands committed between the two looks at memory. */
  readonly commands: number;
  /** By how much each process grew, the leader's first. */
  readonly grownBytes: readonly number[];
  /** Of the process that grew most. */
  readonly bytesPerCommand: number;
}

export interface Results {
  readonly format: typeof RESULTS_FORMAT;
  readonly environment: Environment;
  readonly settings: { readonly warmupMs: number; readonly durationMs: number; readonly rounds: number };
  readonly load: readonly LoadOutcome[];
  readonly memory: readonly MemoryOutcome[];
}

export async function writeResults(file: string | URL, results: Results): Promise<void> {
  await mkdir(dirname(file instanceof URL ? fileURLToPath(file) : file), { recursive: true });
  await writeFile(file, JSON.stringify(results, null, 2) + '\n');
}

export async function readResults(file: string | URL): Promise<Results> {
  const { format, ...results } = JSON.parse(await readFile(file, 'utf8')) as Omit<Results, 'format'> & {
    format: number;
  };
  if (format !== RESULTS_FORMAT) throw new Error(`${String(file)} has format ${format}, not ${RESULTS_FORMAT}.`);
  return { format, ...results };
}

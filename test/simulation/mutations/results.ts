/** What trials of mutations have shown, as it is kept from run to run beside the source. */

import { writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { Finding } from './trial.js';

/** Of one mutation. */
export interface Result {
  /** Null: it was not found. */
  readonly finding: Finding | null;
  /** How many seeds were tried, the one that found it included. */
  readonly seeds: number;
  /** The commit that was tried. */
  readonly commit: string;
  readonly date: string;
}

/** By the name of the mutation. */
export type Results = Readonly<Record<string, Result>>;

/** This file runs from build/test/simulation/mutations. */
const RESULTS = new URL('../../../../test/simulation/mutations/results.json', import.meta.url);

export async function readResults(): Promise<Results> {
  return JSON.parse(await readFile(RESULTS, 'utf8')) as Results;
}

export function writeResults(results: Results): void {
  writeFileSync(RESULTS, `${JSON.stringify(results, null, 2)}\n`);
}

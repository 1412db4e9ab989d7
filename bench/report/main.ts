/**
 * `npm run bench:report`: writes the tables of README.md and docs/locks.md, and the plots, from
 * bench/results/latest.json.
 */

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { readResults } from '../results.js';
import { commandsByClusterSize, commandsBySize } from './plots.js';
import { withLocks, withResults } from './table.js';

/** This file runs from build/bench/report. */
const ROOT = new URL('../../../', import.meta.url);
const PLOTS = new URL('docs/plots/', ROOT);
const README = new URL('README.md', ROOT);
const LOCKS = new URL('docs/locks.md', ROOT);

const results = await readResults(new URL('bench/results/latest.json', ROOT)).catch((error: unknown) => {
  if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
  console.error('There are no results in bench/results/latest.json: run `npm run bench` first.');
  process.exit(1);
});
await writeFile(README, withResults(await readFile(README, 'utf8'), results));
await writeFile(LOCKS, withLocks(await readFile(LOCKS, 'utf8'), results));
await mkdir(PLOTS, { recursive: true });
await writeFile(new URL('commands-by-size.svg', PLOTS), await commandsBySize(results));
await writeFile(new URL('commands-by-cluster-size.svg', PLOTS), await commandsByClusterSize(results));

/**
 * `npm run mutations`: breaks the product in each of the known ways, shows in which seed the simulation finds it, and
 * writes that down. Ends with code 1 if one is not found that should be.
 */

import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { breakProduct } from './broken-product.js';
import { check } from './check.js';
import { inParallel } from './in-parallel.js';
import { seedsFor, type Mutation } from './mutation.js';
import { ALL_MUTATIONS, MUTATIONS } from './mutations.js';
import { mutationOptionsOf, USAGE, type MutationOptions } from './options.js';
import { reportOf } from './report.js';
import { readResults, writeResults, type Result, type Results } from './results.js';
import { tryProduct } from './trial.js';

/** This file runs from build/test/simulation/mutations. */
const REPORT = new URL('../../../../test/simulation/mutations/README.md', import.meta.url);

/** In the order of the table. Those that have been taken out of it go. */
function write(results: ReadonlyMap<string, Result>): void {
  const all = ALL_MUTATIONS.flatMap(({ name, covered }) => {
    const result = results.get(name);
    return result === undefined || covered !== undefined ? [] : [[name, result] as const];
  });
  const sorted: Results = Object.fromEntries(all);
  writeResults(sorted);
  writeFileSync(REPORT, reportOf(MUTATIONS, sorted));
}

async function tried(mutation: Mutation, seedsMax: number, commit: string): Promise<Result> {
  const product = await breakProduct(mutation);
  try {
    const seeds = Array.from({ length: seedsMax }, (_, i) => i + 1);
    const finding = await tryProduct(product, seedsFor(mutation, seeds));
    return { finding, seeds: finding?.seed ?? seedsMax, commit, date: new Date().toISOString().slice(0, 10) };
  } finally {
    await product.remove();
  }
}

async function tryAll(mutations: readonly Mutation[], { seeds, jobs }: MutationOptions): Promise<boolean> {
  const commit = execFileSync('git', ['describe', '--always', '--dirty', '--exclude', '*'], { encoding: 'utf8' });
  const results = new Map(Object.entries(await readResults()));
  let isComplete = true;
  const uncovered = mutations.filter(({ covered }) => covered === undefined);
  await inParallel(uncovered, jobs, async (mutation) => {
    const result = await tried(mutation, seeds, commit.trim());
    results.set(mutation.name, result);
    // At once: all of them take long, and whoever loses patience keeps what was found.
    write(results);
    if (result.finding === null) isComplete = false;
    console.log(`${mutation.name}\n  ${shown(result)}`);
  });
  return isComplete;
}

function shown({ finding, seeds }: Result): string {
  if (finding === null) return `not found in ${seeds} seeds`;
  const { seed, promise, what } = finding;
  return `seed ${seed}, ${promise}: ${what.split('\n', 1)[0]}`;
}

async function checkAll(mutations: readonly Mutation[], { jobs }: MutationOptions): Promise<boolean> {
  const results = await readResults();
  const complaints = await check(mutations, results, jobs);
  for (const complaint of complaints) console.log(complaint);
  if (complaints.length === 0) console.log(`all ${mutations.length} broken products are found`);
  return complaints.length === 0;
}

function drawn(mutations: readonly Mutation[], count: number): readonly Mutation[] {
  if (count >= mutations.length) return mutations;
  const shuffled = mutations.map((mutation) => ({ mutation, key: Math.random() })).toSorted((a, b) => a.key - b.key);
  return shuffled.slice(0, count).map(({ mutation }) => mutation);
}

async function main(): Promise<void> {
  const options = mutationOptionsOf(process.argv.slice(2));
  if (options === null) {
    console.log(USAGE);
    return;
  }
  const results = await readResults();
  const isMeant = ({ name }: Mutation): boolean =>
    name.includes(options.only) && !(options.isUnfound && (results[name]?.finding ?? null) !== null);
  const seedsTried = ({ name }: Mutation): number => results[name]?.seeds ?? 0;
  // The fewer seeds, the sooner: what is found quickly does not wait for what is hard to find.
  const mutations = drawn(ALL_MUTATIONS.filter(isMeant), options.some).toSorted(
    (a, b) => seedsTried(a) - seedsTried(b),
  );
  const isWell = await (options.isCheck ? checkAll : tryAll)(mutations, options);
  if (!isWell) process.exitCode = 1;
}

await main();

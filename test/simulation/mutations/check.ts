/**
 * The check: each mutation is found, in the seed that is known to find it, or, where histories have changed since, in
 * one of the first two thousand; one that another mechanism covers is found where both are broken. And the product as
 * it is keeps every promise in those seeds.
 */

import { breakProduct, UNBROKEN } from './broken-product.js';
import type { Results } from './results.js';
import { inParallel } from './in-parallel.js';
import { seedsFor, type Mutation } from './mutation.js';
import { tryProduct, type Finding } from './trial.js';

/** In so many a simulation that is worth its name finds it. */
const SEEDS_MAX = 2_000;

/** Returns what is wrong. */
export async function check(
  mutations: readonly Mutation[],
  results: Results,
  jobs: number,
): Promise<readonly string[]> {
  const complaints: string[] = [];
  const seeds = new Set<number>();
  await inParallel(mutations, jobs, async ({ covered, ...mutation }) => {
    const name = covered?.by ?? mutation.name;
    const known = results[name]?.finding ?? null;
    if (known === null || known.seed > SEEDS_MAX) {
      complaints.push(`"${name}" was never found in ${SEEDS_MAX} seeds: see npm run mutations`);
      return;
    }
    // The one that breaks both mechanisms is in the table as well.
    if (covered !== undefined) return;
    const finding = await findAgain(mutation, known);
    if (finding === null) complaints.push(`"${name}" is not found any more: see npm run mutations`);
    else seeds.add(finding.seed);
  });
  const shares = Array.from({ length: jobs }, (_, job) => [...seeds].filter((_seed, index) => index % jobs === job));
  const dueShares = shares.filter((share) => share.length > 0);
  await inParallel(dueShares, jobs, async (share) => {
    const own = await tryProduct(UNBROKEN, share);
    if (own !== null) complaints.push(`the product as it is fails in seed ${own.seed}: ${own.what} (${own.promise})`);
  });
  return complaints;
}

async function findAgain(mutation: Mutation, known: Finding): Promise<Finding | null> {
  const first = Array.from({ length: SEEDS_MAX }, (_, i) => i + 1);
  const product = await breakProduct(mutation);
  try {
    return await tryProduct(product, [known.seed, ...seedsFor(mutation, first)]);
  } finally {
    await product.remove();
  }
}

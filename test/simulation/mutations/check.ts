/**
 * The quick check: each mutation that was found is found still, in the seed that is known to find it, or, where histories have
 * changed since, in one of the first thousand; and the product as it is keeps every promise in those seeds. One that was never
 * tried is a complaint; one that was tried in vain stands in the table as what it is, and costs too much to be tried here.
 */

import { breakProduct, UNBROKEN } from './broken-product.js';
import type { Results } from './results.js';
import { inParallel } from './in-parallel.js';
import type { Mutation } from './mutation.js';
import { tryProduct, type Finding } from './trial.js';

/** A mutation that one history in fifty finds is found in these. */
const FIRST_SEEDS = 1_000;

/** Returns what is wrong. */
export async function check(
  mutations: readonly Mutation[],
  results: Results,
  jobs: number,
): Promise<readonly string[]> {
  const complaints: string[] = [];
  const seeds = new Set<number>();
  await inParallel(mutations, jobs, async (mutation) => {
    const known = results[mutation.name];
    if (known === undefined) complaints.push(`"${mutation.name}" was never tried: see npm run mutations`);
    if (known === undefined || known.finding === null) return;
    const finding = await findAgain(mutation, known.finding);
    if (finding === null) complaints.push(`"${mutation.name}" is not found any more: see npm run mutations`);
    else seeds.add(finding.seed);
  });
  const own = await tryProduct(UNBROKEN, [...seeds]);
  if (own !== null) complaints.push(`the product as it is fails in seed ${own.seed}: ${own.what} (${own.promise})`);
  return complaints;
}

async function findAgain(mutation: Mutation, known: Finding): Promise<Finding | null> {
  const first = Array.from({ length: FIRST_SEEDS }, (_, i) => i + 1);
  const product = await breakProduct(mutation);
  try {
    return await tryProduct(product, [known.seed, ...first]);
  } finally {
    await product.remove();
  }
}

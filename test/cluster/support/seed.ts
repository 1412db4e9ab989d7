/**
 * The randomness of tests whose processes run as they like: a seed fixes what is done to them and when, not how they
 * take it, so that a failing seed may have to be tried more than once.
 */

import { randomInt } from 'node:crypto';
import { relative } from 'node:path';
import { expect, onTestFailed } from 'vitest';
import { randomBelow, SeededRandom } from '../../../src/runtime/random.js';

export interface Dice {
  /** A whole number from `min` to below `max`. */
  between(min: number, max: number): number;
  pick<Value>(values: readonly Value[]): Value;
}

/** `CONCLAVE_SEED` fixes the first seed; otherwise it is drawn. The others follow from it. */
export function seeds(count: number): number[] {
  const first = Number(process.env['CONCLAVE_SEED'] ?? randomInt(2 ** 31));
  return Array.from({ length: count }, (_, index) => first + index);
}

/** Called in a test. Should it fail, it says how to try this seed again. */
export function diceOf(seed: number): Dice {
  const file = relative(process.cwd(), expect.getState().testPath ?? '');
  onTestFailed(() => {
    process.stderr.write(`Again: CONCLAVE_SEED=${seed} npx vitest run ${file}\n`);
  });
  const random = new SeededRandom(seed);
  const between = (min: number, max: number): number => min + randomBelow(random, max - min);
  return { between, pick: (values) => values[between(0, values.length)]! };
}

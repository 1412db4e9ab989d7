/** A search need not go where it has been, nor where it could be with fewer unknown calls taken. */

import { expect, test } from 'vitest';
import { Configurations } from '../../../../src/testing/linearizability/configurations.js';

const counts = (...taken: number[]): Uint32Array => Uint32Array.from(taken);

function configurations(): Configurations<number> {
  return new Configurations<number>(Object.is, () => undefined);
}

test('the same configuration is added once', () => {
  const seen = configurations();

  expect([seen.add('a', 1, counts(1)), seen.add('a', 1, counts(1))]).toEqual([true, false]);
});

test('another order, another state and another set are other configurations', () => {
  const seen = configurations();
  seen.add('a', 1, counts(1, 0));

  expect([seen.add('b', 1, counts(1, 0)), seen.add('a', 2, counts(1, 0)), seen.add('a', 1, counts(0, 1))]).toEqual([
    true,
    true,
    true,
  ]);
});

test('one that has taken more unknown calls is covered by one that has taken fewer, and not the other way round', () => {
  const seen = configurations();
  seen.add('a', 1, counts(1, 1));

  expect([seen.add('a', 1, counts(1, 2)), seen.add('a', 1, counts(1, 0)), seen.add('a', 1, counts(1, 1))]).toEqual([
    false,
    true,
    false,
  ]);
});

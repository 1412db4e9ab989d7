/** The context of a command is the same on every replica, and there is none elsewhere. */

import { afterEach, describe, expect, test } from 'vitest';
import { ChangeRecorder } from '../../../../src/actors/replicated/changes/change-recorder.js';
import { context, enterCommand, isWatched, leaveCommand } from '../../../../src/actors/replicated/command-context.js';
import { ValueCodec } from '../../../../src/actors/replicated/value-codec.js';
import { errorOf } from './error-of.js';

const instance = {};
const changes = new ChangeRecorder('book', new ValueCodec());

afterEach(leaveCommand);

function enter(index: number, position: number, timestampMs: number): void {
  enterCommand(index, position, timestampMs, instance, changes);
}

function draw(index: number, position: number, count: number): number[] {
  enter(index, position, 0);
  const { random } = context();
  return Array.from({ length: count }, () => random());
}

test('a command sees its entry', () => {
  enter(7, 2, 1234);

  expect([context().index, context().timestampMs]).toEqual([7, 1234]);
});

test('each command sees its own entry, also through a context that it has kept', () => {
  enter(7, 2, 1234);
  const kept = context();

  enter(8, 0, 1235);

  expect([kept.index, kept.timestampMs]).toEqual([8, 1235]);
});

test('what a command tells of costs nothing, and is kept nowhere, while nobody watches', () => {
  enter(7, 0, 0);

  context().changed({ type: 'set' });

  expect(changes.hasNews).toBe(false);
});

test('an object is watched while one of its own commands runs, and no part of it is', () => {
  changes.begin(undefined, null, { index: 8, command: 0, change: 0 });
  enter(8, 0, 0);

  expect([isWatched(instance), isWatched({})]).toEqual([true, false]);
});

describe('random', () => {
  test('draws the same numbers for the same command', () => {
    expect(draw(5, 3, 20)).toEqual(draw(5, 3, 20));
  });

  test('draws other numbers for every other command', () => {
    const seen = new Set<number>();
    for (let index = 1; index <= 100; index++) {
      for (let position = 0; position < 100; position++)
        for (const number of draw(index, position, 2)) seen.add(number);
    }

    // 20,000 numbers from seeds of 32 bits: one or the other pair of commands may share a seed.
    expect(seen.size).toBeGreaterThan(19_990);
  });

  test('tells indexes apart beyond 2^32', () => {
    expect(draw(1, 0, 1)).not.toEqual(draw(2 ** 32 + 1, 0, 1));
  });

  test('is spread evenly over [0, 1), within a command and across commands', () => {
    const within = draw(1, 0, 10_000);
    const across = Array.from({ length: 10_000 }, (_, index) => draw(index, 0, 1)[0]!);

    for (const numbers of [within, across]) {
      expect(Math.min(...numbers)).toBeGreaterThanOrEqual(0);
      expect(Math.max(...numbers)).toBeLessThan(1);
      const buckets = new Array<number>(10).fill(0);
      for (const number of numbers) buckets[Math.floor(number * 10)]!++;
      for (const count of buckets) expect(Math.abs(count - 1000)).toBeLessThan(150);
    }
  });

  test('stays the same from version to version, for logs are replayed', () => {
    expect(draw(1, 0, 3)).toEqual([0.6978728896209914, 0.6476115619494212, 0.8956634825454715]);
  });
});

describe('without a command', () => {
  test('there is no context', async () => {
    expect((await errorOf(context)).code).toBe('ERR_NO_CONTEXT');
  });

  test('a context that was kept tells nothing', async () => {
    enter(1, 0, 0);
    const kept = context();
    leaveCommand();

    for (const read of [() => kept.index, () => kept.timestampMs, () => kept.random(), () => kept.changed(1)]) {
      expect((await errorOf(read)).code).toBe('ERR_NO_CONTEXT');
    }
  });
});

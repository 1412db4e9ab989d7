/** What a check costs, in work counted, which is the same on every machine; a million takes well under a second. */

import { describe, expect, test } from 'vitest';
import { randomBelow, SeededRandom, type Random } from '../../../../src/runtime/random.js';
import { checkLinearizable } from '../../../../src/testing/linearizability/check-linearizable.js';
import { counterModel, type CounterInput } from '../../../../src/testing/linearizability/models/counter-model.js';
import {
  journalModel,
  type JournalInput,
  type JournalOutput,
} from '../../../../src/testing/linearizability/models/journal-model.js';
import { lockModel, type LockInput } from '../../../../src/testing/linearizability/models/lock-model.js';
import { mapModel, type MapInput } from '../../../../src/testing/linearizability/models/map-model.js';
import { registerModel, type RegisterInput } from '../../../../src/testing/linearizability/models/register-model.js';
import type { LinearizabilityVerdict } from '../../../../src/testing/linearizability/verdict.js';
import { concurrentRun } from './support/concurrent-run.js';
import { liveCounter, liveJournal, liveLock, liveMap, liveRegister } from './support/objects.js';

/** Generous: a machine may be busy with other things. */
const TIMEOUT_MS = 60_000;
const LONG = { calls: 10_000, clients: 8 };

type Check = (random: Random, unknownPercent: number) => LinearizabilityVerdict<unknown, unknown>;

const checkCounter: Check = (random, unknownPercent) => {
  const input = (): CounterInput => (randomBelow(random, 2) === 0 ? ['get'] : ['add', 1 + randomBelow(random, 3)]);
  return checkLinearizable(
    counterModel(),
    concurrentRun(random, { ...LONG, unknownPercent, object: liveCounter(), input }),
  );
};

/** Every value is another one, and half of the calls are writes that nobody need see. */
const checkRegister: Check = (random, unknownPercent) => {
  const input = (n: number): RegisterInput<number> =>
    pick<RegisterInput<number>>(random, [
      ['write', n],
      ['write', n],
      ['read'],
      ['compareAndSet', n - randomBelow(random, 8), n],
    ]);
  const object = liveRegister(0);
  return checkLinearizable(registerModel(0), concurrentRun(random, { ...LONG, unknownPercent, object, input }));
};

const checkMap: Check = (random, unknownPercent) => {
  const input = (n: number): MapInput<number> => {
    const key = `key ${randomBelow(random, 10)}`;
    return pick<MapInput<number>>(random, [
      ['set', key, n],
      ['get', key],
      ['delete', key],
      ['has', key],
    ]);
  };
  const calls = concurrentRun(random, { ...LONG, unknownPercent, object: liveMap(), input });
  return checkLinearizable(mapModel<number>(), calls);
};

const checkLock: Check = (random, unknownPercent) => {
  const input = (): LockInput => {
    const owner = `owner ${randomBelow(random, 3)}`;
    return pick<LockInput>(random, [['tryAcquire', owner], ['release', owner], ['holder']]);
  };
  return checkLinearizable(lockModel(), concurrentRun(random, { ...LONG, unknownPercent, object: liveLock(), input }));
};

const checkJournal: Check = (random, unknownPercent) => {
  const input = (n: number): JournalInput<number> => (n % 1_000 === 999 ? ['all'] : ['append', n]);
  const calls = concurrentRun<JournalInput<number>, JournalOutput<number>>(random, {
    ...LONG,
    unknownPercent,
    object: liveJournal(),
    input,
  });
  return checkLinearizable(journalModel<number>(), calls);
};

function pick<T>(random: Random, items: readonly T[]): T {
  return items[randomBelow(random, items.length)]!;
}

describe('10,000 calls, 8 at a time,', () => {
  test.each<[name: string, check: Check, unknownPercent: number, workMax: number]>([
    ['a counter', checkCounter, 0, 30_000],
    ['a register', checkRegister, 0, 300_000],
    ['a map', checkMap, 0, 15_000],
    ['a lock', checkLock, 0, 25_000],
    ['a journal', checkJournal, 0, 30_000],
    ['a counter', checkCounter, 1, 30_000],
    ['a register', checkRegister, 1, 600_000],
    ['a map', checkMap, 1, 20_000],
    ['a lock', checkLock, 1, 60_000],
    ['a journal', checkJournal, 1, 40_000],
    ['a counter', checkCounter, 10, 40_000],
    ['a map', checkMap, 10, 150_000],
    ['a lock', checkLock, 10, 150_000],
    ['a journal', checkJournal, 10, 200_000],
  ])(
    'of %s (%#) are accepted with little work',
    (_name, check, unknownPercent, workMax) => {
      for (const seed of [1, 2]) {
        const { kind, work } = check(new SeededRandom(seed), unknownPercent);

        expect({ seed, kind }).toEqual({ seed, kind: 'linearizable' });
        expect(work).toBeLessThan(workMax);
      }
    },
    TIMEOUT_MS,
  );
});

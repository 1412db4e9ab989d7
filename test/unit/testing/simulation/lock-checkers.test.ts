/** The checkers of locks see what they watch over, and nothing where all is as it should be. */

import { beforeEach, describe, expect, test } from 'vitest';
import { Coordination, type ClaimTerms } from '../../../../src/actors/coordination/coordination.js';
import type { Core } from '../../../../src/actors/raft/state.js';
import type { Machine } from '../../../../src/actors/replicated/machine.js';
import { HeldLocks, type Holding } from '../../../../src/testing/simulation/checkers/held-locks.js';
import { LockLedger } from '../../../../src/testing/simulation/checkers/lock-ledger.js';

let nowMs: number;
let broken: [promise: string, what: string][];
const report = (promise: string, what: string): void => void broken.push([promise, what]);

beforeEach(() => {
  nowMs = 0;
  broken = [];
});

describe('holders by true time', () => {
  let held: HeldLocks;

  beforeEach(() => {
    held = new HeldLocks(report);
  });

  function holding(token: number, over: Partial<Holding> = {}): Holding {
    return {
      name: 'x',
      of: 2,
      permits: 2,
      token: BigInt(token),
      holder: `holder ${token}`,
      isBelieving: () => true,
      isOver: () => false,
      ...over,
    };
  }

  test('may follow each other', () => {
    const first = holding(1);
    held.granted(first, 0n);
    held.ended(first);

    held.granted(holding(2), held.newestEnded('x'));

    expect(broken).toEqual([]);
  });

  test('may not both believe that they hold', () => {
    held.granted(holding(1), 0n);

    held.granted(holding(2), 0n);

    expect(broken).toEqual([['locks', 'x is held by holder 1 by 1 and holder 2 by 2, and all of them may believe it']]);
  });

  test.each([
    ['do not believe it any more', { isBelieving: () => false }],
    ['are gone', { isOver: () => true }],
    ['share it', { permits: 1 }],
  ])('may be several where they %s', (_why, over) => {
    held.granted(holding(1, over), 0n);

    held.granted(holding(2, over), 0n);

    expect(broken).toEqual([]);
  });

  test('have greater tokens than those before them', () => {
    const first = holding(5);
    held.granted(first, 0n);
    held.ended(first);

    held.granted(holding(4), held.newestEnded('x'));

    expect(broken).toEqual([['fencing tokens', 'holder 4 holds x by 4, and 5 was over before it was asked for']]);
  });

  test('do not have the token of another one', () => {
    const first = holding(5);
    held.granted(first, 0n);
    held.ended(first);

    held.granted(holding(5), 0n);

    expect(broken[0]).toEqual(['fencing tokens', 'holder 5 holds x by 5, as another one did']);
  });
});

describe('locks as committed', () => {
  const TTL_MS = 100;
  let ledger: LockLedger;
  let locks: Coordination;
  let index: number;

  beforeEach(() => {
    ledger = new LockLedger(
      'locks',
      () => nowMs,
      report,
      () => {},
    );
    locks = new Coordination();
    index = 0;
  });

  /** A command is committed, and the lock manager runs it, unless it is a broken one. */
  function run(
    method: 'openSession' | 'renew' | 'expire' | 'closeSession' | 'claim' | 'giveUp',
    args: unknown[],
    isRun = true,
  ): void {
    index += 1;
    const commands = [{ name: `locks.${method}`, args }];
    ledger.committed({ index, kind: 0, payload: new Uint8Array(), commands });
    if (isRun) (locks[method] as (...given: unknown[]) => unknown)(...args);
    ledger.applied('a:1', machine());
  }

  function machine(): Machine {
    return {
      appliedIndex: index,
      objects: [{ name: 'locks', instance: locks }],
      isHere: () => true,
    } as unknown as Machine;
  }

  function terms(request: number, isWaiting = true): ClaimTerms {
    return { request, name: 'x', of: 1, permits: 1, isWaiting, value: null };
  }

  function leads(isLeader: boolean): void {
    ledger.stepped('a:1', { term: 1, role: { name: isLeader ? 'leader' : 'follower' } } as Core);
  }

  test('are what commands make of them', () => {
    leads(true);
    for (const owner of ['a', 'b', 'c']) run('openSession', [owner, TTL_MS]);
    for (const session of [1, 2, 3]) run('claim', [session, terms(1)]);
    run('claim', [1, terms(2, false)]);
    run('giveUp', [1, 1]);
    nowMs += 50;
    run('renew', [3]);
    nowMs += 60;
    run('expire', [2, 0]);
    run('expire', [3, 0]);

    expect(broken).toEqual([]);
    expect(locks.look('x')!.holders).toMatchObject([{ session: 3, token: 3 }]);
  });

  test('are broken by a node that does not run one of them', () => {
    run('openSession', ['a', TTL_MS]);

    run('claim', [1, terms(1)], false);

    expect(broken).toEqual([
      ['locks as committed', 'after entry 2, a:1 has "nothing of it", and by what was committed, "x: 1:1 by 1"'],
    ]);
  });

  test('are broken by one that begins with something else after a restart', () => {
    run('openSession', ['a', TTL_MS]);
    locks = new Coordination();

    ledger.restored('a:1', machine());

    expect(broken[0]![0]).toBe('locks as committed');
  });

  test('are told to who watches: what is granted, and what is given up, but not what ends with its session', () => {
    const told: unknown[] = [];
    ledger = new LockLedger(
      'locks',
      () => nowMs,
      report,
      () => {},
      {
        granted: (name, token, value) => void told.push(['granted', name, token, value]),
        givenUp: (name, token) => void told.push(['given up', name, token]),
      },
    );
    for (const owner of ['a', 'b']) run('openSession', [owner, TTL_MS]);
    for (const session of [1, 2]) run('claim', [session, { ...terms(1), value: session }]);
    run('giveUp', [1, 1]);
    run('closeSession', [2]);

    expect(told).toEqual([
      ['granted', 'x', 1n, 1],
      ['given up', 'x', 1n],
      ['granted', 'x', 2n, 2],
    ]);
  });

  test('are broken by a session that ends before its time', () => {
    leads(true);
    nowMs = 200;
    run('openSession', ['a', TTL_MS]);
    nowMs += 90;

    run('expire', [1, 0]);

    expect(broken[0]).toEqual(['sessions last', 'session 1 was ended 90 ms after it was renewed, of 100']);
  });

  test('are broken by a session that ends before anybody has led for its time', () => {
    run('openSession', ['a', TTL_MS]);
    for (const isLeader of [true, false, true, false, true]) {
      nowMs += 60;
      leads(isLeader);
    }

    run('expire', [1, 0]);

    expect(broken).toEqual([
      ['sessions last', 'session 1 was ended, and nobody has led for 100 ms since it was renewed'],
    ]);
  });
});

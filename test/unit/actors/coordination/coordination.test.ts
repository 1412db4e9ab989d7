/** Coordination as a plain object: who is granted what, in which order, and with which token. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  Coordination,
  NAME_BYTES_MAX,
  PERMITS_MAX,
  SESSIONS_MAX,
  TTL_MS_MIN,
  type ClaimOutcome,
  type ClaimTerms,
} from '../../../../src/actors/coordination/coordination.js';
import { describeClass } from '../../../../src/actors/replicated/describe-class.js';
import { restored, written } from '../replicated/state/support/states.js';
import { badCalls, call, mixed, testHistories } from '../replicated/objects/support/histories.js';
import { anyValue } from '../replicated/objects/support/values.js';
import { CoordinationModel } from './coordination-model.js';

const TTL_MS = 10_000;

/** A coordination with so many sessions, 1 and up. */
function withSessions(count: number): Coordination {
  const coordination = new Coordination();
  for (let i = 1; i <= count; i++) coordination.openSession(`owner ${i}`, TTL_MS);
  return coordination;
}

function exclusive(request: number, name = 'a', rest: Partial<ClaimTerms> = {}): ClaimTerms {
  return { request, name, of: PERMITS_MAX, permits: PERMITS_MAX, isWaiting: true, value: null, ...rest };
}

function shared(request: number, name = 'a'): ClaimTerms {
  return exclusive(request, name, { permits: 1 });
}

function tokenOf(coordination: Coordination, session: number, request: number): number | undefined {
  return coordination.standing(session)?.claims.find((claim) => claim.request === request)?.token;
}

test('can be registered', () => {
  expect(Object.fromEntries(describeClass('sync', Coordination).methods)).toEqual({
    openSession: 'replicated',
    renew: 'replicated',
    closeSession: 'replicated',
    expire: 'replicated',
    claim: 'replicated',
    giveUp: 'replicated',
    proclaim: 'replicated',
    standing: 'query',
    sightings: 'query',
    sessionsOf: 'query',
    look: 'query',
    names: 'query',
  });
});

describe('a claim', () => {
  test('is granted at once where nobody holds the name, and else waits, or is told that it is not free', () => {
    const coordination = withSessions(3);

    expect([
      coordination.claim(1, exclusive(1)),
      coordination.claim(2, exclusive(1)),
      coordination.claim(3, exclusive(1, 'a', { isWaiting: false })),
      coordination.claim(3, exclusive(2, 'b')),
    ]).toEqual([1, 'waiting', 'busy', 2]);
  });

  test('that waits is granted, first come first served, with a greater token than any before', () => {
    const coordination = withSessions(3);
    coordination.claim(1, exclusive(1));
    coordination.claim(3, exclusive(1));
    coordination.claim(2, exclusive(1));
    coordination.claim(2, exclusive(2, 'b'));

    coordination.giveUp(1, 1);
    expect([tokenOf(coordination, 3, 1), tokenOf(coordination, 2, 1)]).toEqual([3, 0]);

    coordination.giveUp(3, 1);
    expect(tokenOf(coordination, 2, 1)).toBe(4);
  });

  test('that was given up while it waited is never granted, and does not hold up those behind it', () => {
    const coordination = withSessions(4);
    coordination.claim(1, shared(1));
    coordination.claim(2, exclusive(1));
    coordination.claim(3, shared(1));

    expect(coordination.giveUp(2, 1)).toBe(true);

    expect(tokenOf(coordination, 3, 1)).toBe(2);
    expect(coordination.giveUp(2, 1)).toBe(false);
  });

  test('that would share does not overtake one that would not', () => {
    const coordination = withSessions(3);
    coordination.claim(1, shared(1));
    coordination.claim(2, exclusive(1));

    expect(coordination.claim(3, shared(1))).toBe('waiting');
    expect(coordination.claim(3, exclusive(2, 'a', { permits: 1, isWaiting: false }))).toBe('busy');
  });

  test('is granted together with others that share, once the name is free for them', () => {
    const coordination = withSessions(4);
    coordination.claim(1, exclusive(1));
    for (const session of [2, 3]) coordination.claim(session, shared(1));
    coordination.claim(4, exclusive(1));

    coordination.giveUp(1, 1);

    expect([2, 3, 4].map((session) => tokenOf(coordination, session, 1))).toEqual([2, 3, 0]);
  });

  test('takes as many permits of a semaphore as it asks for', () => {
    const coordination = withSessions(1);
    const of4 = (request: number, permits: number): ClaimTerms => exclusive(request, 'gpu', { of: 4, permits });

    const outcomes = [of4(1, 3), of4(2, 2), of4(3, 1)].map((terms) => coordination.claim(1, terms));
    coordination.giveUp(1, 1);

    expect(outcomes).toEqual([1, 'waiting', 'waiting']);
    expect([2, 3].map((request) => tokenOf(coordination, 1, request))).toEqual([2, 3]);
  });

  test('must agree on how many permits there are, until nobody claims the name', () => {
    const coordination = withSessions(2);
    coordination.claim(1, exclusive(1, 'gpu', { of: 4, permits: 1 }));
    const other = exclusive(1, 'gpu', { of: 5, permits: 1 });

    expect(coordination.claim(2, other)).toBe('other permits');

    coordination.giveUp(1, 1);
    expect(coordination.claim(2, other)).toBe(2);
  });

  test('of a session that has ended, or never was, is refused', () => {
    const coordination = withSessions(1);
    coordination.closeSession(1);

    expect([1, 2, -1].map((session) => coordination.claim(session, exclusive(1)))).toEqual(
      new Array<ClaimOutcome>(3).fill('no session'),
    );
  });

  test.each<[string, Partial<ClaimTerms>]>([
    ['a name that is too long', { name: 'ä'.repeat(NAME_BYTES_MAX / 2 + 1) }],
    ['a name that is no string', { name: 1 as never }],
    ['no permits', { permits: 0 }],
    ['fewer permits than none', { permits: -1 }],
    ['more permits than there are', { of: 4, permits: 5 }],
    ['a part of a permit', { permits: 1.5 }],
    ['more permits than there may be', { of: PERMITS_MAX + 1 }],
    ['a number that is none', { request: Number.NaN }],
    ['a patience that is neither', { isWaiting: 1 as never }],
    ['a number that is in use', { request: 7 }],
    ['an owner that is too long', { owner: 'x'.repeat(NAME_BYTES_MAX + 1) }],
  ])('for %s is refused, and changes nothing', async (_, terms) => {
    const coordination = withSessions(1);
    coordination.claim(1, exclusive(7, 'b'));
    const before = await written(coordination);

    expect(() => coordination.claim(1, exclusive(1, 'a', terms))).toThrow(
      /^(A name is|The owner|request|of|permits|isWaiting|The number)/,
    );

    expect(await written(coordination)).toEqual(before);
  });

  test('names as long as they may be, and the empty one, are names', () => {
    const coordination = withSessions(1);

    expect(
      ['', 'ä'.repeat(NAME_BYTES_MAX / 2), '\0'].map((name, i) => coordination.claim(1, exclusive(i, name))),
    ).toEqual([1, 2, 3]);
  });
});

describe('an owner that begins anew', () => {
  const owned = (request: number, rest: Partial<ClaimTerms> = {}): ClaimTerms =>
    exclusive(request, 'a', { owner: 'me', ...rest });

  test('has what it had, with a new token and nobody in between, although others wait', () => {
    const coordination = withSessions(3);
    coordination.claim(1, owned(1));
    coordination.claim(2, exclusive(1));

    expect(coordination.claim(3, owned(1, { isWaiting: false }))).toBe(2);

    expect(coordination.standing(1)?.claims).toEqual([]);
    expect(coordination.look('a')).toMatchObject({ holders: [{ session: 3, owner: 'me', token: 2 }], waitingCount: 1 });
    coordination.closeSession(1);
    expect(tokenOf(coordination, 2, 1)).toBe(0);
    coordination.closeSession(3);
    expect(tokenOf(coordination, 2, 1)).toBe(3);
  });

  test('does not wait behind what it waited for before', () => {
    const coordination = withSessions(3);
    coordination.claim(1, exclusive(1));
    coordination.claim(2, owned(1));

    expect(coordination.claim(3, owned(1, { isWaiting: false }))).toBe('busy');
    expect(coordination.standing(2)?.claims).toHaveLength(1);
    expect(coordination.claim(3, owned(2))).toBe('waiting');

    coordination.giveUp(1, 1);
    expect([coordination.standing(2)?.claims, tokenOf(coordination, 3, 2)]).toEqual([[], 2]);
  });

  test('is nobody else: another owner, and one who says nothing, wait', () => {
    const coordination = withSessions(2);
    coordination.claim(1, owned(1));

    expect([
      coordination.claim(2, owned(1, { owner: 'you', isWaiting: false })),
      coordination.claim(2, exclusive(2, 'a', { isWaiting: false })),
    ]).toEqual(['busy', 'busy']);
  });

  test('leaves to others what it no longer wants, and what it alone waited for', () => {
    const coordination = withSessions(3);
    coordination.claim(1, owned(1));
    coordination.claim(2, shared(1));

    expect(coordination.claim(3, owned(1, { permits: 1 }))).toBe(2);

    expect(tokenOf(coordination, 2, 1)).toBe(3);
  });

  test('is known after a snapshot', async () => {
    const coordination = withSessions(2);
    coordination.claim(1, owned(1));

    const returned = await restored(new Coordination(), await written(coordination));

    expect(returned.claim(2, owned(1, { isWaiting: false }))).toBe(2);
  });
});

describe('a session', () => {
  test('that ends gives up all that it held and waited for', () => {
    const coordination = withSessions(3);
    coordination.claim(1, exclusive(1, 'a'));
    coordination.claim(1, exclusive(2, 'b'));
    coordination.claim(2, exclusive(1, 'a'));
    coordination.claim(3, exclusive(1, 'b'));
    coordination.claim(1, exclusive(3, 'a'));

    expect(coordination.closeSession(1)).toBe(true);

    expect([tokenOf(coordination, 2, 1), tokenOf(coordination, 3, 1)]).toEqual([3, 4]);
    coordination.giveUp(2, 1);
    expect(coordination.look('a')).toMatchObject({ holders: [], waitingCount: 0 });
    expect([coordination.renew(1), coordination.standing(1), coordination.closeSession(1)]).toEqual([
      false,
      null,
      false,
    ]);
  });

  test('that ends after a snapshot gives up its claims in the order in which it would have without', async () => {
    const of3 = (request: number, name: string, permits: number): ClaimTerms =>
      exclusive(request, name, { of: 3, permits });
    const lived = withSessions(4);
    lived.claim(2, of3(1, 'a', 1));
    lived.claim(1, of3(1, 'b', 3));
    lived.claim(1, of3(2, 'a', 2));
    lived.claim(3, of3(1, 'a', 1));
    lived.claim(4, of3(1, 'b', 1));
    const returned = await restored(new Coordination(), await written(lived));

    lived.closeSession(1);
    returned.closeSession(1);

    expect(await written(returned)).toEqual(await written(lived));
  });

  test('expires only if it has not been renewed since it was seen', () => {
    const coordination = withSessions(1);
    coordination.claim(1, exclusive(1));
    const [[session, renewals]] = coordination.sightings() as [[number, number, number]];
    coordination.renew(1);

    expect(coordination.expire(session, renewals)).toBe(false);
    expect(tokenOf(coordination, 1, 1)).toBe(1);

    expect(coordination.expire(session, renewals + 1)).toBe(true);
    expect(coordination.look('a')?.holders).toEqual([]);
    expect(coordination.expire(session, renewals + 1)).toBe(false);
  });

  test('has a number that no session had before, also after all have ended and a snapshot', async () => {
    const coordination = withSessions(2);
    coordination.closeSession(1);
    coordination.closeSession(2);

    const returned = await restored(new Coordination(), await written(coordination));

    expect(returned.openSession('late', TTL_MS)).toBe(3);
  });

  test('is refused when there are too many, and has room again when one has ended', () => {
    const coordination = withSessions(SESSIONS_MAX);

    expect(coordination.openSession('one more', TTL_MS)).toBeNull();

    coordination.closeSession(1);
    expect(coordination.openSession('one more', TTL_MS)).toBe(SESSIONS_MAX + 1);
  });

  test.each([TTL_MS_MIN - 1, 1.5, Number.NaN, Infinity, '1000' as never])('of %s ms is refused', (ttlMs) => {
    expect(() => new Coordination().openSession('a', ttlMs)).toThrow(RangeError);
  });
});

describe('who looks', () => {
  test('is told who holds a name, what they say, and how many wait', () => {
    const coordination = withSessions(3);
    coordination.claim(1, exclusive(1, 'a', { value: { port: 80 } }));
    coordination.claim(2, exclusive(1));
    coordination.claim(3, exclusive(1));

    expect(coordination.look('a')).toEqual({
      permits: PERMITS_MAX,
      holders: [{ session: 1, owner: 'owner 1', permits: PERMITS_MAX, token: 1, value: { port: 80 } }],
      holdersCount: 1,
      waitingCount: 2,
    });
  });

  test('is told what a holder has said since, and nothing of what somebody said who does not hold it', () => {
    const coordination = withSessions(2);
    coordination.claim(1, exclusive(1));
    coordination.claim(2, exclusive(1));

    expect([
      coordination.proclaim(1, 1, 'new'),
      coordination.proclaim(2, 1, 'early'),
      coordination.proclaim(2, 9, 'x'),
    ]).toEqual([true, false, false]);
    expect(coordination.look('a')?.holders.map(({ value }) => value)).toEqual(['new']);
  });

  test('can tell a name that was held from one that never was, also after a snapshot', async () => {
    const coordination = withSessions(1);
    coordination.claim(1, exclusive(1));
    coordination.giveUp(1, 1);

    const returned = await restored(new Coordination(), await written(coordination));

    expect([returned.look('a'), returned.look('b')]).toEqual([
      { permits: 0, holders: [], holdersCount: 0, waitingCount: 0 },
      null,
    ]);
  });

  test('is given the names that begin as asked for, and no more than that', () => {
    const coordination = withSessions(1);
    ['lock/a', 'lock/b', 'election/a'].forEach((name, i) => coordination.claim(1, exclusive(i, name)));

    expect([coordination.names('lock/', 10), coordination.names('', 2)]).toEqual([
      ['lock/a', 'lock/b'],
      ['lock/a', 'lock/b'],
    ]);
  });
});

const session = fc.integer({ min: 1, max: 4 });
const request = fc.integer({ min: 1, max: 5 });
const terms = fc.record(
  {
    request,
    name: fc.constantFrom('a', 'b'),
    of: fc.constant(3),
    permits: fc.integer({ min: 1, max: 3 }),
    isWaiting: fc.boolean(),
    value: fc.constant(null),
    owner: fc.constantFrom('me', 'you'),
  },
  { requiredKeys: ['request', 'name', 'of', 'permits', 'isWaiting', 'value'] },
);
const good = fc.oneof(
  { arbitrary: call('openSession', fc.constant('me'), fc.constant(TTL_MS)), weight: 2 },
  { arbitrary: call('claim', session, terms), weight: 6 },
  { arbitrary: call('giveUp', session, request), weight: 3 },
  call('renew', session),
  call('closeSession', session),
  call('expire', session, fc.constant(0)),
  call('proclaim', session, request, fc.string()),
);

testHistories(() => new Coordination(), mixed(good, badCalls(['openSession', 'claim', 'giveUp', 'expire'], anyValue)));

test('grants what a plain model grants, with tokens that only grow, and never too many permits', () => {
  fc.assert(
    fc.property(fc.array(good, { maxLength: 60 }), (history) => {
      const coordination = new Coordination();
      const model = new CoordinationModel();
      for (const [method, ...args] of history) {
        const outcome = (() => {
          try {
            return Reflect.apply(coordination[method as 'claim'], coordination, args) as unknown;
          } catch {
            return 'threw';
          }
        })();
        model.tell(method, args, outcome);
        for (const name of ['a', 'b']) {
          const seen = coordination
            .look(name)
            ?.holders.map((holder) => `${holder.session} ${holder.permits} ${holder.token}`);
          expect(seen ?? []).toEqual(model.holders(name));
        }
      }
    }),
  );
});

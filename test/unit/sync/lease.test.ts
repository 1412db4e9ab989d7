/** For how long a holder may believe that it holds. */

import { expect, test } from 'vitest';
import { Lease } from '../../../src/sync/lease.js';
import { ManualTime } from './support/manual-time.js';

function lease(time: ManualTime): Lease {
  return new Lease(time.clock, 1_000, Lease.now(time.clock));
}

test('a lease lasts for nine tenths of the TTL from its request on', () => {
  const time = new ManualTime();
  const fresh = lease(time);

  expect(fresh.remainingMs).toBe(900);
  time.stall(899);
  expect(fresh.remainingMs).toBe(1);
  time.stall(1);
  expect(fresh.remainingMs).toBe(0);
});

test('an extension counts from when it was asked for, not from its answer', () => {
  const time = new ManualTime();
  const extended = lease(time);
  time.stall(300);
  const asked = Lease.now(time.clock);
  time.stall(200);

  extended.extend(asked);

  expect(extended.remainingMs).toBe(700);
});

test('answers that come in another order do not shorten it', () => {
  const time = new ManualTime();
  const extended = lease(time);
  const first = Lease.now(time.clock);
  time.stall(300);

  extended.extend(Lease.now(time.clock));
  extended.extend(first);

  expect(extended.remainingMs).toBe(900);
});

test('the time for which the machine was suspended counts, though the monotonic clock stood still', () => {
  const time = new ManualTime();
  const suspended = lease(time);

  time.suspend(2_000);

  expect(suspended.remainingMs).toBe(-1_100);
});

test('a calendar clock that is set back lengthens nothing', () => {
  const time = new ManualTime();
  const set = lease(time);

  time.suspend(-60_000);
  time.stall(500);

  expect(set.remainingMs).toBe(400);
});

/** Locks of a whole node, whoever of its callers asks for them, and in whatever order. */

import { beforeEach, expect, it } from 'vitest';
import { Claiming } from '../../../src/sync/claiming.js';
import { connect, memory, type Sync } from '../../../src/sync/index.js';
import { NodeLocks } from '../../../src/sync/node-locks.js';
import { ManualTime } from './support/manual-time.js';

let locks: NodeLocks;
let other: Sync;

beforeEach(async () => {
  const backend = memory(new ManualTime());
  locks = new NodeLocks(new Claiming(backend), 10_000);
  other = await connect(backend);
});

it('are held by one who asks for them behind one who gives them up', async () => {
  await locks.tryAcquire('x');

  const [, isAcquired] = await Promise.all([locks.release('x'), locks.tryAcquire('x')]);

  expect([isAcquired, locks.isAcquired('x')]).toEqual([true, true]);
});

it('are given up, and held, in the order in which that is asked for, also while the first answer is on its way', async () => {
  const [first, , second] = await Promise.all([locks.tryAcquire('x'), locks.release('x'), locks.tryAcquire('x')]);
  expect([first, second, locks.isAcquired('x')]).toEqual([true, true, true]);

  await Promise.all([locks.release('x'), locks.tryAcquire('x'), locks.release('x'), locks.release('x')]);

  expect(locks.isAcquired('x')).toBe(false);
  expect(await other.lock('x').tryAcquire()).not.toBeNull();
});

it('are not held by one who asks behind one who gives them up, where another one has them', async () => {
  await other.lock('x').acquire();

  const [first, , second] = await Promise.all([locks.tryAcquire('x'), locks.release('x'), locks.tryAcquire('x')]);

  expect([first, second, locks.isAcquired('x')]).toEqual([false, false, false]);
});

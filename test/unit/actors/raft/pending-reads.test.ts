/** Reads that wait: whom they have asked, and how they leave. */

import { expect, test } from 'vitest';
import { PendingReads } from '../../../../src/actors/raft/pending-reads.js';
import { logIndex } from '../../../../src/ids.js';

function readsOf(...ids: number[]): PendingReads {
  const reads = new PendingReads();
  for (const id of ids) reads.add(id, false, 100 + id);
  return reads;
}

test('a read has asked nobody when it comes', () => {
  const reads = readsOf(1, 2);
  expect(reads.isEmpty).toBe(false);
  expect(reads.unasked()).toMatchObject([
    { readId: 1, expiresAtMs: 101, ticket: null, index: null },
    { readId: 2, expiresAtMs: 102 },
  ]);
});

test('reads leave in the order in which they came, once', () => {
  const reads = readsOf(1, 2, 3);
  expect(reads.take((read) => read.readId !== 2).map((read) => read.readId)).toEqual([1, 3]);
  expect(reads.take(() => true).map((read) => read.readId)).toEqual([2]);
  expect(reads.isEmpty).toBe(true);
});

test('reads of one kind ask when they come, and again when they have waited for long', () => {
  const reads = readsOf(1, 2);
  reads.add(3, true, 103);
  const [first, second] = reads.unasked();
  Object.assign(first!, { ticket: 7, askedAtMs: 10 });
  Object.assign(second!, { ticket: 8, askedAtMs: 20 });

  expect(reads.toAsk(false, 10)).toEqual([]);
  expect(reads.toAsk(false, 20)).toMatchObject([{ readId: 1, ticket: 7 }]);
  expect(reads.toAsk(true, 10)).toMatchObject([{ readId: 3, ticket: null }]);
});

test('reads ask anew when there is another one to ask', () => {
  const reads = readsOf(1);
  Object.assign(reads.unasked()[0]!, { ticket: 7, index: logIndex(3) });

  reads.forgetTickets();

  expect(reads.unasked()).toMatchObject([{ readId: 1, ticket: null, index: null }]);
});

/** Nothing is kept but the hard state, and everything is durable at once. */

import { expect, test } from 'vitest';
import type { Store } from '../../../../src/actors/raft/effects.js';
import { MemoryLogStore } from '../../../../src/actors/raft/memory-log-store.js';
import { nodeId, term } from '../../../../src/ids.js';

const HARD_STATE = { term: term(3), votedFor: nodeId('a:1') };

function request(hardState: Store['hardState']): Store {
  return { type: 'store', hardState, reset: null, append: null, then: [] };
}

test('a request is written before the call returns, once and in order', () => {
  const store = new MemoryLogStore();
  const requests = [request(null), request(HARD_STATE), request(null)];
  const written: Store[] = [];

  for (const each of requests) {
    store.store(each, (done) => written.push(done));
    expect(written.at(-1)).toBe(each);
  }

  expect(written).toHaveLength(3);
});

test('the hard state is the last one stored', () => {
  const store = new MemoryLogStore();
  expect(store.hardState).toBeNull();

  store.store(request(HARD_STATE), () => {});
  store.store(request(null), () => {});

  expect(store.hardState).toEqual(HARD_STATE);
});

test('the hard state is there when the store says that it has been written', () => {
  const store = new MemoryLogStore();
  let seen: unknown;

  store.store(request(HARD_STATE), () => (seen = store.hardState));

  expect(seen).toEqual(HARD_STATE);
});

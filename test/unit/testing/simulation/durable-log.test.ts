/** What a new life of a node must find of what was durable, and what a later leader may have had replaced. */

import { describe, expect, test } from 'vitest';
import { logIndex, term } from '../../../../src/ids.js';
import { DurableLog } from '../../../../src/testing/simulation/durable-log.js';
import { A, entriesOf, GROUP, lifeOf } from '../../actors/raft/roles/fixture.js';

const BEGINNING = { index: logIndex(0), term: term(0), timestampMs: 0 };

function bytesOf(terms: readonly number[]): ArrayBuffer {
  return entriesOf(1, terms).slice().buffer;
}

/** Two entries were durable, of terms 2 and 4, and the node was in `lastTerm`; then its disk has failed. */
function durable(lastTerm: number): DurableLog {
  const log = new DurableLog(lifeOf(A));
  const hardState = { term: term(lastTerm), votedFor: null };
  const append = { firstIndex: logIndex(1), lastIndex: logIndex(2), entries: bytesOf([2, 4]) };
  log.stored({ type: 'storeLog', group: GROUP, request: 1, hardState, reset: null, append });
  return log;
}

describe.each<[string, number, number[], string | null]>([
  ['as it was', 4, [2, 4], null],
  ['what the leader of a later term has made of it', 6, [2, 6], null],
  ['what the leader of a later term has from an earlier one', 6, [2, 2, 6], null],
  ['something of an earlier term without such a leader', 4, [2, 2], 'entry 2 of term 4 is lost'],
  ['nothing in its place', 6, [2], 'entry 2 of term 4 is lost'],
])('a new life finds %s', (_, lastTerm, terms, lost) => {
  test(lost === null ? 'and all is well' : 'and something is lost', () => {
    const hardState = { term: term(lastTerm), votedFor: null };
    expect(durable(lastTerm).recovered({ hardState, base: BEGINNING, pieces: [bytesOf(terms)] })).toBe(lost);
  });
});

/**
 * Raft §5.5, claim by claim: followers and candidates that crash. Their requests are sent again (§5.1), and it does no
 * harm to carry them out twice.
 */

import { describe, expect, test } from 'vitest';
import type { Core } from '../../../../../src/actors/raft/state.js';
import { requestVote } from '../roles/campaigning.js';
import {
  A,
  append,
  B,
  blockOf,
  C,
  HEARTBEAT_MS,
  install,
  MIN_MS,
  sentLaterOf,
  storesOf,
  Subject,
  termsOf,
} from '../roles/fixture.js';
import { converse } from './conversation.js';

/** What a node must not lose, and what it has made of it. */
function stateOf({ core }: Subject): Pick<Core, 'term' | 'votedFor' | 'commitIndex'> & { terms: number[] } {
  const { term, votedFor, commitIndex } = core;
  return { term, votedFor, commitIndex, terms: termsOf(core) };
}

describe('§5.5: requests are idempotent', () => {
  test.each([
    ['a request for a vote', requestVote(2, [1, 1])],
    ['entries', append(1, 1, [1, 1], { leaderCommit: 2 })],
    ['entries that replace others', append(0, 0, [2, 2], { term: 2, from: C })],
    ['a heartbeat', append(1, 1, [], { leaderCommit: 1 })],
    ['the offer of a snapshot', install(9)],
  ] as const)(
    '§5.5: %s that comes again, for the reply was lost, is answered alike and changes nothing',
    (_, message) => {
      const subject = new Subject({ log: [1], term: 1 });
      subject.nowMs += MIN_MS;
      subject.peer(message);
      const answer = sentLaterOf(subject.flush());
      const before = stateOf(subject);

      subject.peer(message);
      const effects = subject.flush();

      expect(stateOf(subject)).toEqual(before);
      expect(sentLaterOf(effects)).toEqual(answer);
      expect(storesOf(effects).filter(({ hardState, append: appended }) => hardState ?? appended)).toEqual([]);
    },
  );
});

describe('§5.5: a server that crashed', () => {
  test('§5.5: after it had carried out a request and before it answered, takes it once more when it is back', () => {
    const subject = new Subject({ log: [1], term: 1 });
    subject.peer(append(1, 1, [1, 1]));
    subject.flush();
    const again = new Subject({ log: termsOf(subject.core), term: 1 });
    again.peer(append(1, 1, [1, 1]));
    const effects = again.flush();
    expect(storesOf(effects)).toMatchObject([{ append: null }]);
    expect(sentLaterOf(effects)).toMatchObject([{ to: B, message: { success: true, matchIndex: 3 } }]);
  });

  test('§5.5: is sent what it lacks when it is back, however long it was away', () => {
    const leader = new Subject().establish();
    for (let value = 0; value < 20; value++) {
      leader.local({ type: 'submit', content: blockOf(value) });
      leader.written(leader.flush());
      leader.peer(leader.ack(B, leader.core.log.lastIndex));
      leader.tick(HEARTBEAT_MS);
    }
    const follower = new Subject({ self: C, log: [1], term: 1 });
    leader.connect(C);

    converse([leader, follower]);

    expect(follower.core).toMatchObject({ log: { lastIndex: 21 }, commitIndex: 21 });
  });

  test('§5.5: as a candidate, is a follower when it is back, and gives its vote of that term to nobody else', () => {
    const subject = new Subject({ log: [1], term: 4, votedFor: A });
    subject.nowMs += MIN_MS;
    subject.peer(requestVote(4, [9, 4], { from: C }));
    expect(subject.core.role.name).toBe('follower');
    expect(sentLaterOf(subject.flush())).toMatchObject([{ to: C, message: { voteGranted: false, term: 4 } }]);
  });
});

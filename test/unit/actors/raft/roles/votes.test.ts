/** Who gets a vote or the promise of one; more of that is in paper/5-2, 5-4 and thesis-9-6. */

import { describe, expect, test } from 'vitest';
import { requestPreVote, requestVote } from './campaigning.js';
import { A, append, B, C, D, GROUP, MIN_MS, sentLaterOf, sentOf, storesOf, Subject } from './fixture.js';

/** A follower that has heard from no leader for so long that it votes. */
function forsaken(given = {}): Subject {
  const subject = new Subject({ log: [1, 1, 2], ...given });
  subject.nowMs += MIN_MS;
  return subject;
}

describe('a vote', () => {
  test('goes out only behind the term and the vote in one store', () => {
    const subject = forsaken();
    subject.peer(requestVote(3, [3, 2]));
    const effects = subject.flush();
    expect(sentOf(effects)).toEqual([]);
    expect(storesOf(effects)).toEqual([
      {
        type: 'store',
        hardState: { term: 3, votedFor: B },
        reset: null,
        append: null,
        then: [
          {
            type: 'send',
            to: B,
            message: { type: 'requestVoteReply', group: GROUP, from: A, term: 3, voteGranted: true },
          },
        ],
      },
    ]);
  });

  test('given before a restart binds after it', () => {
    const subject = forsaken({ term: 3, votedFor: B });
    subject.peer(requestVote(3, [9, 2], { from: C }));
    expect(sentLaterOf(subject.flush())).toMatchObject([{ to: C, message: { voteGranted: false } }]);
  });

  test('is refused while a leader was heard, though its term be known from elsewhere', () => {
    const subject = forsaken();
    subject.peer(append(3, 2, [], { from: C }));
    subject.peer({ type: 'requestVoteReply', voteGranted: false, term: 3, from: B });
    subject.peer(requestVote(3, [3, 2]));
    const answers = sentLaterOf(subject.flush()).filter(({ message }) => message.type === 'requestVoteReply');
    expect(answers).toMatchObject([{ to: B, message: { voteGranted: false } }]);
    expect(subject.core.votedFor).toBeNull();
  });

  test('for a stranger, or in another group, is no matter', () => {
    const subject = forsaken();
    subject.peer(requestVote(9, [9, 9], { from: D }));
    subject.peer({ ...requestVote(9, [9, 9]), group: 1 } as never);
    expect(subject.flush()).toEqual([]);
    expect(subject.core.term).toBe(2);
  });
});

describe('a pre-vote', () => {
  test('is refused by a leader, which stays', () => {
    const subject = new Subject().establish();
    const effects = subject.peer(requestPreVote(7, [9, 9]));
    expect(sentOf(effects)).toMatchObject([{ message: { voteGranted: false } }]);
    expect(subject.core.role.name).toBe('leader');
  });
});

/** Who gets a vote or the promise of one, in every role that gives them. */

import { describe, expect, test } from 'vitest';
import { logIndex, term } from '../../../../../src/ids.js';
import { A, append, B, C, D, GROUP, MIN_MS, sentLaterOf, sentOf, storesOf, Subject } from './fixture.js';

function requestVote(of: { term: number; log: [index: number, term: number]; from?: typeof B; transfer?: boolean }) {
  return {
    type: 'requestVote',
    term: of.term,
    from: of.from ?? B,
    lastLogIndex: logIndex(of.log[0]),
    lastLogTerm: term(of.log[1]),
    leadershipTransfer: of.transfer ?? false,
  } as const;
}

function requestPreVote(of: { term: number; log: [index: number, term: number] }) {
  return {
    type: 'requestPreVote',
    term: of.term,
    campaignTerm: term(of.term + 1),
    lastLogIndex: logIndex(of.log[0]),
    lastLogTerm: term(of.log[1]),
  } as const;
}

/** A follower that has heard from no leader for so long that it votes. */
function forsaken(given = {}): Subject {
  const subject = new Subject({ log: [1, 1, 2], ...given });
  subject.nowMs += MIN_MS;
  return subject;
}

describe('a vote', () => {
  test('goes out only behind the term and the vote in one store', () => {
    const subject = forsaken();
    subject.peer(requestVote({ term: 3, log: [3, 2] }));
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

  test.each([
    ['equal', [3, 2], true],
    ['longer', [4, 2], true],
    ['shorter of a later term', [1, 3], true],
    ['shorter', [2, 2], false],
    ['longer of an earlier term', [9, 1], false],
  ] as const)('for a log that is %s: %o', (_, [index, lastTerm], voteGranted) => {
    const subject = forsaken();
    subject.peer(requestVote({ term: 3, log: [index, lastTerm] }));
    expect(sentLaterOf(subject.flush())).toMatchObject([{ to: B, message: { voteGranted } }]);
  });

  test('is given once in a term, and to the same candidate again', () => {
    const subject = forsaken();
    subject.peer(requestVote({ term: 3, log: [3, 2] }));
    subject.peer(requestVote({ term: 3, log: [9, 2], from: C }));
    subject.peer(requestVote({ term: 3, log: [3, 2] }));
    expect(sentLaterOf(subject.flush())).toMatchObject([
      { to: B, message: { voteGranted: true } },
      { to: C, message: { voteGranted: false } },
      { to: B, message: { voteGranted: true } },
    ]);
  });

  test('given before a restart binds after it', () => {
    const subject = forsaken({ term: 3, votedFor: B });
    subject.peer(requestVote({ term: 3, log: [9, 2], from: C }));
    expect(sentLaterOf(subject.flush())).toMatchObject([{ to: C, message: { voteGranted: false } }]);
  });

  test('of an earlier term is refused, with the later term', () => {
    const subject = forsaken({ term: 5 });
    subject.peer(requestVote({ term: 4, log: [9, 9] }));
    expect(sentLaterOf(subject.flush())).toMatchObject([{ to: B, message: { voteGranted: false, term: 5 } }]);
  });

  test('is not even looked at while a leader is heard: the term stays', () => {
    const subject = forsaken();
    subject.peer(append(3, 2, [], { from: C }));
    subject.flush();
    subject.nowMs += MIN_MS - 1;
    subject.peer(requestVote({ term: 9, log: [9, 9] }));
    expect(subject.flush()).toEqual([]);
    expect(subject.core.term).toBe(2);
  });

  test('is refused while a leader was heard, though its term be known from elsewhere', () => {
    const subject = forsaken();
    subject.peer(append(3, 2, [], { from: C }));
    subject.peer({ type: 'requestVoteReply', voteGranted: false, term: 3, from: B });
    subject.peer(requestVote({ term: 3, log: [3, 2] }));
    const answers = sentLaterOf(subject.flush()).filter(({ message }) => message.type === 'requestVoteReply');
    expect(answers).toMatchObject([{ to: B, message: { voteGranted: false } }]);
    expect(subject.core.votedFor).toBeNull();
  });

  test('is given at once when the leader itself asked for the election', () => {
    const subject = forsaken();
    subject.peer(append(3, 2, [], { from: C }));
    subject.flush();
    subject.peer(requestVote({ term: 3, log: [3, 2], transfer: true }));
    expect(sentLaterOf(subject.flush())).toMatchObject([{ to: B, message: { voteGranted: true } }]);
  });

  test('after a restart is withheld as long as a leader may rely on it', () => {
    const subject = new Subject({ log: [1] });
    subject.peer(requestVote({ term: 3, log: [3, 2] }));
    expect(subject.flush()).toEqual([]);
  });

  test('for a stranger, or in another group, is no matter', () => {
    const subject = forsaken();
    subject.peer(requestVote({ term: 9, log: [9, 9], from: D }));
    subject.peer({ ...requestVote({ term: 9, log: [9, 9] }), group: 1 } as never);
    expect(subject.flush()).toEqual([]);
    expect(subject.core.term).toBe(2);
  });
});

describe('a pre-vote', () => {
  test.each([
    ['equal', [3, 2], true],
    ['shorter', [2, 2], false],
  ] as const)('for a log that is %s: %o; it changes nothing', (_, [index, lastTerm], voteGranted) => {
    const subject = forsaken();
    const effects = subject.peer(requestPreVote({ term: 7, log: [index, lastTerm] }));
    expect(sentOf(effects)).toMatchObject([{ to: B, message: { campaignTerm: 8, voteGranted, term: 2 } }]);
    expect(subject.core).toMatchObject({ term: 2, votedFor: null });
    expect(subject.flush()).toEqual([]);
  });

  test('is refused while a leader is heard', () => {
    const subject = forsaken();
    subject.peer(append(3, 2, [], { from: C }));
    const effects = subject.peer(requestPreVote({ term: 7, log: [9, 9] }));
    expect(sentOf(effects)).toMatchObject([{ message: { voteGranted: false } }]);
  });

  test('for a campaign in an earlier term is refused, with the later term', () => {
    const subject = forsaken({ term: 7 });
    const effects = subject.peer(requestPreVote({ term: 5, log: [9, 9] }));
    expect(sentOf(effects)).toMatchObject([{ message: { voteGranted: false, term: 7 } }]);
  });

  test('is refused by a leader, which stays', () => {
    const subject = new Subject().establish();
    const effects = subject.peer(requestPreVote({ term: 7, log: [9, 9] }));
    expect(sentOf(effects)).toMatchObject([{ message: { voteGranted: false } }]);
    expect(subject.core.role.name).toBe('leader');
  });
});

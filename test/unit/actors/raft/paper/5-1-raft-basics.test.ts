/**
 * Raft §5.1, claim by claim: terms, and what nodes say to each other. Not every message moves a node to a later term:
 * asking for a pre-vote does not (thesis §9.6), nor what would disrupt a leader (thesis §4.2.3), nor what observers
 * say.
 */

import { describe, expect, test } from 'vitest';
import { EntryKind } from '../../../../../src/actors/raft/entry.js';
import { logIndex, term } from '../../../../../src/ids.js';
import { candidate, requestPreVote, requestVote } from '../roles/campaigning.js';
import {
  append,
  B,
  blockOf,
  C,
  D,
  HEARTBEAT_MS,
  install,
  MAX_MS,
  MIN_MS,
  sentLaterOf,
  sentOf,
  storesOf,
  Subject,
} from '../roles/fixture.js';

const REPLY = { session: 1, round: 0, conflictIndex: logIndex(0), conflictTerm: term(0), matchIndex: logIndex(0) };

/** A message of each type that tells of term 9. */
const OF_A_LATER_TERM = [
  requestVote(9, [1, 1]),
  { type: 'requestVoteReply', term: 9, voteGranted: false },
  { type: 'requestPreVoteReply', term: 9, campaignTerm: term(2), voteGranted: false },
  append(1, 1, [], { term: 9 }),
  { type: 'appendEntriesReply', term: 9, success: false, ...REPLY },
  install(7, { term: 9 }),
  { type: 'installSnapshotReply', term: 9, session: 1, round: 0, lastIncludedIndex: logIndex(1) },
  { type: 'timeoutNow', term: 9 },
  { type: 'readIndex', term: 9, readId: 1, lease: false },
  { type: 'readIndexReply', term: 9, readId: 1, readIndex: logIndex(1) },
  { type: 'forward', term: 9, ...blockOf(1) },
] as const;

/** A follower of `b` in term 1, which has not heard from it for so long that it would vote. */
function forsaken(): Subject {
  const subject = new Subject({ log: [1], term: 1 });
  subject.nowMs += MIN_MS;
  return subject;
}

describe('§5.1: current terms are exchanged whenever servers communicate', () => {
  test.each(OF_A_LATER_TERM.map((message) => [message.type, message] as const))(
    '§5.1: a node whose term is smaller updates it to the larger one, for good: %s',
    (_, message) => {
      const subject = forsaken();
      subject.peer(message);
      expect(subject.core.term).toBe(9);
      expect(storesOf(subject.flush())[0]?.hardState).toMatchObject({ term: 9 });
    },
  );

  test('§5.1: a vote is of one term; in a later one the node has not voted', () => {
    const subject = new Subject({ log: [1], term: 1, votedFor: C });
    subject.peer(append(1, 1, [], { term: 2 }));
    expect(subject.core).toMatchObject({ term: 2, votedFor: null });
  });

  test('§5.1: terms never go down, whatever is heard of earlier ones', () => {
    const subject = new Subject({ log: [1], term: 9, votedFor: C });
    subject.nowMs += MIN_MS;
    for (const message of OF_A_LATER_TERM) subject.peer({ ...message, term: 3 });
    expect(subject.core).toMatchObject({ term: 9, votedFor: C, role: { name: 'follower' } });
  });

  test.each([
    ['preCandidate', () => preCandidate()],
    ['candidate', () => candidate({ log: [1], term: 1 }, [B])],
    ['leader', () => new Subject({ log: [1], term: 1 }).elect()],
  ])('§5.1: a %s that discovers that its term is out of date reverts to follower at once', (name, inRole) => {
    const subject = inRole();
    expect(subject.core.role.name).toBe(name);
    subject.peer({ type: 'appendEntriesReply', term: 9, success: false, ...REPLY });
    expect(subject.core).toMatchObject({ term: 9, role: { name: 'follower' }, leader: null });
  });
});

describe('§5.1: a node that receives a request with a stale term rejects it', () => {
  test('§5.1: a request for a vote, and the candidate hears of the later term', () => {
    const subject = new Subject({ log: [1], term: 5 });
    subject.nowMs += MIN_MS;
    subject.peer(requestVote(4, [9, 4]));
    expect(sentLaterOf(subject.flush())).toMatchObject([{ to: B, message: { voteGranted: false, term: 5 } }]);
    expect(subject.core.votedFor).toBeNull();
  });

  test('§5.1: entries, and the leader hears of the later term', () => {
    const subject = new Subject({ log: [1], term: 5 });
    subject.peer(append(1, 1, [4], { term: 4, leaderCommit: 2 }));
    expect(sentLaterOf(subject.flush())).toMatchObject([{ to: B, message: { success: false, term: 5 } }]);
    expect(subject.core).toMatchObject({ log: { lastIndex: 1 }, commitIndex: 0, leader: null });
  });

  // We differ: an offer is not answered, for the heartbeats beside it are.
  test('§7: a snapshot, without a word', () => {
    const subject = new Subject({ log: [1], term: 5 });
    expect(subject.peer(install(9, { term: 4 }))).toEqual([]);
    expect(subject.flush()).toEqual([]);
    expect(subject.core.role.name).toBe('follower');
  });

  // We differ: what callers of another node want means the same in any term.
  test('§8: but not what clients want', () => {
    const subject = new Subject({ log: [1], term: 5 }).establish();
    subject.peer({ type: 'forward', term: 2, ...blockOf(7) });
    subject.flush();
    expect(subject.core.log.entry(logIndex(3))).toMatchObject({ kind: EntryKind.block, term: 6 });
  });
});

describe('§5.1: at any time each server is in one role', () => {
  test('§5.1: followers are passive: they issue no requests, and only respond', () => {
    const subject = new Subject({ log: [1], term: 1 });
    for (let passed = 0; passed < 10 * MAX_MS; passed += HEARTBEAT_MS) {
      subject.peer(append(1, 1));
      expect(sentOf(subject.tick(HEARTBEAT_MS))).toEqual([]);
      const effects = subject.flush();
      expect(sentOf(effects)).toEqual([]);
      expect(sentLaterOf(effects).map(({ message }) => message.type)).toEqual(['appendEntriesReply']);
    }
  });

  test('§5.1: there is at most one leader in a term: another one cannot be, and is not believed', () => {
    const subject = new Subject({ log: [1], term: 1 });
    subject.peer(append(1, 1, [], { from: B }));
    expect(() => subject.peer(append(1, 1, [], { from: C }))).toThrow(
      expect.objectContaining({ code: 'ERR_ASSERTION' }),
    );
  });

  test('§5.1: who is neither a member nor connected is not heard at all', () => {
    const subject = forsaken();
    for (const message of OF_A_LATER_TERM) subject.peer({ ...message, from: D });
    expect(subject.core).toMatchObject({ term: 1, leader: null, log: { lastIndex: 1 } });
    expect(subject.flush()).toEqual([]);
  });
});

describe('§5.1: requests are sent again when no response comes in time', () => {
  test('§5.1: those of a leader, with every heartbeat', () => {
    const subject = new Subject({ log: [1] }).elect();
    for (let i = 0; i < 5; i++) {
      subject.tick(HEARTBEAT_MS);
      expect(sentOf(subject.flush())).toMatchObject([
        { to: B, message: { type: 'appendEntries', prevLogIndex: 1 } },
        { to: C, message: { type: 'appendEntries', prevLogIndex: 1 } },
      ]);
    }
  });

  test('§5.1: those of a pre-candidate, with every election timeout', () => {
    const subject = preCandidate();
    for (let i = 0; i < 5; i++) {
      expect(sentOf(subject.tick(MAX_MS))).toMatchObject([
        { to: B, message: { type: 'requestPreVote' } },
        { to: C, message: { type: 'requestPreVote' } },
      ]);
    }
  });
});

test('§5.1 (figure 2): before a node responds, its term, vote and log are on stable storage', () => {
  const subject = forsaken();
  subject.peer(requestVote(2, [1, 1]), append(1, 1, [2], { term: 2, from: B }), requestPreVote(2, [9, 9], { from: C }));
  const effects = subject.flush();
  expect(sentOf(effects)).toEqual([]);
  expect(storesOf(effects)).toMatchObject([
    {
      hardState: { term: 2, votedFor: B },
      append: { firstIndex: 2, lastIndex: 2 },
      then: [{ message: { type: 'requestVoteReply' } }, { message: { type: 'appendEntriesReply', matchIndex: 2 } }],
    },
  ]);
});

function preCandidate(): Subject {
  const subject = new Subject({ log: [1], term: 1 });
  subject.tick(MAX_MS);
  return subject;
}

/**
 * Raft thesis §9.6, claim by claim: asking before campaigning. We go further than the thesis: a question moves nobody
 * to another term, not even where it comes from a later one, and a follower in a later term than its leader says so to
 * it.
 */

import { describe, expect, test } from 'vitest';
import { grantPreVote, requestPreVote, requestVote } from '../roles/campaigning.js';
import {
  A,
  append,
  B,
  C,
  HEARTBEAT_MS,
  MAX_MS,
  MIN_MS,
  sentLaterOf,
  sentOf,
  storesOf,
  Subject,
} from '../roles/fixture.js';
import { configurationOf, converse, votersOf } from './conversation.js';

/** A follower that has not heard from a leader for so long that it votes. */
function forsaken(given = {}): Subject {
  const subject = new Subject({ log: [1, 1, 2], ...given });
  subject.nowMs += MIN_MS;
  return subject;
}

describe('a pre-candidate', () => {
  test.each([2, 3, 4, 5, 7])(
    '§9.6: increments its term only once it has learned from a majority of %i that they would vote for it',
    (size) => {
      const [, ...others] = votersOf(size);
      const subject = new Subject({ configuration: configurationOf(size), log: [1], term: 4 });
      subject.tick(MAX_MS);
      let willing = 1;
      while (subject.core.role.name === 'preCandidate') {
        expect(subject.core).toMatchObject({ term: 4, votedFor: null });
        grantPreVote(subject, others[willing++ - 1]!);
      }
      expect(willing).toBe(Math.floor(size / 2) + 1);
      expect(subject.core).toMatchObject({ role: { name: 'candidate' }, term: 5, votedFor: A });
    },
  );

  test('§9.6: keeps its term however often it asks in vain, and writes nothing to its disk', () => {
    const subject = new Subject({ log: [1], term: 4 });
    for (let i = 0; i < 20; i++) {
      subject.tick(MAX_MS);
      subject.peer({
        type: 'requestPreVoteReply',
        campaignTerm: requestPreVote(4, [0, 0]).campaignTerm,
        voteGranted: false,
      });
      expect(storesOf(subject.flush())).toEqual([]);
    }
    expect(subject.core).toMatchObject({ role: { name: 'preCandidate' }, term: 4, votedFor: null });
  });

  test('§9.6: follows a leader that it hears from after all', () => {
    const subject = new Subject({ log: [1], term: 4 });
    subject.tick(MAX_MS);
    subject.peer(append(1, 1, [], { from: C }));
    grantPreVote(subject, B);
    expect(subject.core).toMatchObject({ role: { name: 'follower' }, term: 4, leader: C });
  });

  test('§9.6: that is told of a later term takes that, and asks again there', () => {
    const subject = new Subject({ log: [1], term: 4 });
    subject.tick(MAX_MS);
    const { campaignTerm } = requestPreVote(4, [0, 0]);
    subject.peer({ type: 'requestPreVoteReply', campaignTerm, voteGranted: false, term: 9 });
    expect(subject.core).toMatchObject({ role: { name: 'follower' }, term: 9 });
    expect(sentOf(subject.tick(MAX_MS))).toMatchObject([{ message: { term: 9, campaignTerm: 10 } }, {}]);
  });
});

describe('a server that is asked', () => {
  test.each([
    ['the same', [3, 2], true],
    ['longer', [9, 2], true],
    ['shorter', [2, 2], false],
    ['of an earlier term', [9, 1], false],
  ] as const)(
    '§9.6: grants as it would vote, by the log of the one that asks: when it is %s',
    (_, last, voteGranted) => {
      const [answer] = sentOf(forsaken().peer(requestPreVote(2, last)));
      expect(answer).toMatchObject({ to: B, message: { type: 'requestPreVoteReply', campaignTerm: 3, voteGranted } });
    },
  );

  test('§9.6: grants only when it has heard from no leader for a minimum election timeout', () => {
    const subject = forsaken();
    subject.peer(append(3, 2, [], { from: C }));
    subject.nowMs += MIN_MS - 1;
    expect(sentOf(subject.peer(requestPreVote(2, [9, 2])))).toMatchObject([{ message: { voteGranted: false } }]);
    subject.nowMs += 1;
    expect(sentOf(subject.peer(requestPreVote(2, [9, 2])))).toMatchObject([{ message: { voteGranted: true } }]);
  });

  test('§9.6: is bound to nothing by it: it may grant to several, and vote for another one', () => {
    const subject = forsaken();
    const { electionDeadlineMs } = subject.core;
    for (const from of [B, C]) {
      expect(sentOf(subject.peer(requestPreVote(2, [3, 2], { from })))).toMatchObject([
        { to: from, message: { voteGranted: true } },
      ]);
    }
    expect(subject.core).toMatchObject({ term: 2, votedFor: null, electionDeadlineMs });
    expect(subject.flush()).toEqual([]);
    subject.peer(requestVote(3, [3, 2], { from: C }));
    expect(sentLaterOf(subject.flush())).toMatchObject([{ to: C, message: { voteGranted: true } }]);
  });

  // We go further than the thesis.
  test('§9.6: stays in its term, whatever the term of the one that asks', () => {
    const subject = forsaken();
    expect(sentOf(subject.peer(requestPreVote(50, [9, 2])))).toMatchObject([
      { message: { voteGranted: true, term: 2 } },
    ]);
    expect(subject.core.term).toBe(2);
  });

  test('§9.6: grants nothing for a term that it has reached itself, and tells of that', () => {
    const subject = forsaken({ term: 7 });
    expect(sentOf(subject.peer(requestPreVote(6, [9, 9])))).toMatchObject([
      { message: { voteGranted: false, term: 7 } },
    ]);
  });
});

describe('a server that was partitioned', () => {
  test('§9.6: does not disrupt the cluster when it comes back', () => {
    const nodes = votersOf(3).map((self) => new Subject({ self }));
    const [leader, follower, partitioned] = nodes as [Subject, Subject, Subject];
    leader.elect();
    for (let i = 0; i < 30; i++) {
      for (const each of [leader, follower]) each.tick(HEARTBEAT_MS);
      converse([leader, follower]);
      partitioned.tick(HEARTBEAT_MS);
    }
    expect(partitioned.core).toMatchObject({ role: { name: 'preCandidate' }, term: 0 });

    converse(nodes, sentOf(partitioned.tick(MAX_MS)));
    leader.tick(HEARTBEAT_MS);
    converse(nodes);

    expect(nodes.map(({ core }) => [core.role.name, core.term, core.leader])).toEqual([
      ['leader', 1, A],
      ['follower', 1, A],
      ['follower', 1, A],
    ]);
  });

  // We go further than the thesis: see later-term.txt.
  test('§9.6: but had reached a later term belongs to the cluster again: its refusal makes the leader step down', () => {
    const leader = new Subject().establish();
    const stuck = new Subject({ self: B, log: [1], term: 5 });
    leader.tick(HEARTBEAT_MS);
    converse([leader, stuck]);
    expect(leader.core).toMatchObject({ role: { name: 'follower' }, term: 5 });
  });
});

/**
 * Raft §5.4, claim by claim: why a leader has every committed entry, and what counts as committed. That quorums share a
 * voter is tried for every set of voters in quorum.test.ts; the whole of figure 8 is told in figure-8.txt.
 */

import { describe, expect, test } from 'vitest';
import { EntryReader } from '../../../../../src/actors/raft/entry.js';
import { requestVote } from '../roles/campaigning.js';
import {
  append,
  B,
  blockOf,
  C,
  HEARTBEAT_MS,
  MIN_MS,
  sentLaterOf,
  sentOf,
  Subject,
  termsOf,
} from '../roles/fixture.js';
import { configurationOf, converse, votersOf } from './conversation.js';

/** A follower that has not heard from a leader for so long that it votes. */
function forsaken(log: readonly number[]): Subject {
  const subject = new Subject({ log });
  subject.nowMs += MIN_MS;
  return subject;
}

describe('§5.4.1: the election restriction', () => {
  test.each([
    ['the same', [1, 1, 2], [3, 2], true],
    ['longer', [1, 1, 2], [4, 2], true],
    ['shorter, and ends with a later term', [1, 1, 2], [1, 3], true],
    ['shorter', [1, 1, 2], [2, 2], false],
    ['longer, and ends with an earlier term', [1, 1, 2], [9, 1], false],
    ['empty like its own', [], [0, 0], true],
    ['empty, and its own is not', [1], [0, 0], false],
  ] as const)(
    '§5.4.1: a voter denies a candidate its vote unless the log of that is at least as up-to-date: when it is %s',
    (_, log, last, voteGranted) => {
      const subject = forsaken(log);
      subject.peer(requestVote(4, last));
      expect(sentLaterOf(subject.flush())).toMatchObject([{ to: B, message: { voteGranted, term: 4 } }]);
    },
  );

  test('§5.4.1: what a voter has taken from a leader counts, though its disk does not have it yet', () => {
    const subject = new Subject({ log: [1], term: 1 });
    subject.peer(append(1, 1, [1]));
    subject.nowMs += MIN_MS;
    subject.peer(requestVote(2, [1, 1], { from: C }));
    const votes = sentLaterOf(subject.flush()).filter(({ message }) => message.type === 'requestVoteReply');
    expect(votes).toMatchObject([{ to: C, message: { voteGranted: false } }]);
  });
});

describe('§5.4.2: entries of previous terms', () => {
  test('§5.4.2: are never committed by counting replicas, though all servers have them', () => {
    const subject = new Subject({ log: [1, 1], configuration: configurationOf(5) }).elect([B, C]);
    for (const from of votersOf(5).slice(1)) subject.peer(subject.ack(from, 2));
    subject.flush();
    expect(subject.core.commitIndex).toBe(0);
  });

  test('§5.4.2: are committed by an entry of the own term behind them', () => {
    const subject = new Subject({ log: [1, 1] }).elect();
    subject.peer(subject.ack(B, 2));
    subject.flush();
    expect(subject.core.commitIndex).toBe(0);
    subject.peer(subject.ack(B, 3));
    subject.flush();
    expect(subject.core.commitIndex).toBe(3);
  });

  test('§5.4.2: keep their term when another leader replicates them', () => {
    const subject = new Subject({ log: [1, 2, 2] }).elect();
    subject.peer(subject.refusal(B, 3, 2, 0));
    const [sent] = sentOf(subject.flush());
    const reader = new EntryReader();
    reader.reset(sent!.message.type === 'appendEntries' ? sent!.message.entries : new Uint8Array());
    const terms: number[] = [];
    while (reader.next()) terms.push(reader.term);
    expect(terms).toEqual([2, 2, 3]);
  });
});

describe('§5.4.3: the safety argument', () => {
  test('§5.4.3: a voter that took part in committing an entry elects nobody who lacks it', () => {
    const leader = new Subject({ log: [1] }).elect();
    const voter = new Subject({ self: B, log: [1], term: 1 });
    leader.tick(HEARTBEAT_MS);
    converse([leader, voter]);
    leader.local({ type: 'submit', content: blockOf(7) });
    converse([leader, voter]);
    expect(leader.core.commitIndex).toBe(3);

    voter.nowMs += MIN_MS;
    // c has all but the last entry.
    voter.peer(requestVote(3, [2, 2], { from: C }));
    expect(sentLaterOf(voter.flush())).toMatchObject([{ to: C, message: { voteGranted: false } }]);
  });

  test('§5.4.3: an acknowledgement is of the term in which it is given: it commits nothing of a later one', () => {
    const subject = new Subject({ log: [1] }).elect();
    subject.peer(append(1, 1, [3], { term: 3, from: C }));
    subject.elect();
    expect(termsOf(subject.core)).toEqual([1, 3, 4]);
    subject.peer({ ...subject.ack(B, 3), term: 2 });
    subject.flush();
    expect(subject.leader.peers.get(B)).toMatchObject({ matchIndex: 0 });
    expect(subject.core.commitIndex).toBe(0);
  });

  test('§5.4.3: a committed entry is never replaced: a node that is told to stops', () => {
    const subject = new Subject({ log: [1, 1], term: 1 });
    subject.peer(append(2, 1, [], { leaderCommit: 2 }));
    expect(() => subject.peer(append(1, 1, [2], { term: 2, from: C }))).toThrow(
      expect.objectContaining({ code: 'ERR_ASSERTION' }),
    );
    expect(termsOf(subject.core)).toEqual([1, 1]);
  });
});

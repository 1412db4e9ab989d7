/**
 * Raft thesis §6.4, claim by claim: reading without writing to the log, by a round of heartbeats or by a lease. We
 * differ: what is asked of the followers is a numbered round, which serves heartbeats, reads and check-quorum alike.
 * How reads wait, and for whom, on each node is in roles/reading.test.ts.
 */

import { describe, expect, test } from 'vitest';
import type { Effect } from '../../../../../src/actors/raft/effects.js';
import { requestPreVote, requestVote } from '../roles/campaigning.js';
import {
  A,
  append,
  B,
  blockOf,
  C,
  HEARTBEAT_MS,
  MAX_MS,
  MIN_MS,
  sentLaterOf,
  sentOf,
  Subject,
} from '../roles/fixture.js';
import { configurationOf, converse, votersOf } from './conversation.js';

function read(subject: Subject, readId: number, lease = false): void {
  subject.local({ type: 'read', readId, lease, timeoutMs: 10_000 });
}

function answersIn(effects: readonly Effect[]): readonly Effect[] {
  return effects.filter(({ type }) => type === 'readReady' || type === 'readFailed');
}

/** A leader whose lease is over, although it has not yet stepped down. */
function leaderWithoutLease(): Subject {
  const subject = new Subject().establish();
  subject.nowMs = subject.leader.quorumRoundStartedAtMs + MIN_MS;
  return subject;
}

describe('the read index', () => {
  test('§6.4 (1): the leader must first know what is committed, by an entry of its own term', () => {
    const subject = new Subject({ log: [1, 1] }).elect();
    read(subject, 1);
    subject.flush();
    subject.peer(subject.ack(B, 2), subject.ack(C, 2));
    expect(answersIn(subject.flush())).toEqual([]);
    subject.peer(subject.ack(B, 3));
    subject.flush();
    subject.peer(subject.ack(B, 3));
    expect(answersIn(subject.flush())).toEqual([{ type: 'readReady', readIds: [1], index: 3 }]);
  });

  test('§6.4 (2): the commit index when the read came is a lower bound for it, and no more is waited for', () => {
    const subject = leaderWithoutLease();
    read(subject, 1);
    subject.flush();
    const { round } = subject.leader;
    subject.local({ type: 'submit', content: blockOf(7) });
    subject.written(subject.flush());
    subject.peer(subject.ack(B, 2, round - 1));
    subject.flush();
    expect(subject.core.commitIndex).toBe(2);
    subject.peer(subject.ack(C, 1, round));
    expect(answersIn(subject.flush())).toEqual([{ type: 'readReady', readIds: [1], index: 1 }]);
  });

  test.each([3, 4, 5, 7])(
    '§6.4 (3): a majority of %i must answer heartbeats that were sent after the read had come',
    (size) => {
      const [, ...others] = votersOf(size);
      const subject = new Subject({ configuration: configurationOf(size) }).elect(others);
      for (const from of others) subject.peer(subject.ack(from, 1));
      subject.flush();
      const before = subject.leader.round;
      read(subject, 1);
      expect(sentOf(subject.flush()).map(({ to }) => to)).toEqual(others);
      for (const from of others) subject.peer(subject.ack(from, 1, before));
      expect(answersIn(subject.flush())).toEqual([]);

      let answered = 1;
      let answers: readonly Effect[] = [];
      while (answers.length === 0) {
        subject.peer(subject.ack(others[answered++ - 1]!, 1));
        answers = answersIn(subject.flush());
      }
      expect(answered).toBe(Math.floor(size / 2) + 1);
    },
  );

  test('§6.4 (4): the read waits until the state machine has come as far', () => {
    const subject = new Subject().establish();
    subject.local({ type: 'submit', content: blockOf(7) });
    subject.written(subject.flush());
    subject.acknowledge();
    read(subject, 1);
    subject.flush();
    // Not applied yet: the effect says what is to be waited for.
    expect(subject.core.lastApplied).toBe(0);
    subject.peer(subject.ack(B, 2));
    expect(answersIn(subject.flush())).toEqual([{ type: 'readReady', readIds: [1], index: 2 }]);
  });

  test('§6.4: one round serves all reads that have come before it', () => {
    const subject = leaderWithoutLease();
    const before = subject.leader.round;
    for (let readId = 0; readId < 100; readId++) read(subject, readId);
    expect(sentOf(subject.flush())).toHaveLength(2);
    expect(subject.leader.round).toBe(before + 1);
    subject.peer(subject.ack(C, 1));
    expect(answersIn(subject.flush())).toMatchObject([{ readIds: { length: 100 } }]);
  });

  test('§6.4: a leader that has been deposed without knowing answers no read', () => {
    const subject = leaderWithoutLease();
    read(subject, 1);
    subject.flush();
    // A majority follows another leader by now, and says so.
    subject.peer({ ...subject.refusal(B, 1, 0, 0), term: 2 });
    expect(answersIn(subject.flush())).toEqual([]);
    expect(subject.core.role.name).toBe('follower');
  });

  test('§6.4: followers ask the leader for the index, and serve reads of their own state', () => {
    const [leader, follower] = [new Subject().establish(), new Subject({ self: B, log: [1], term: 1 })];
    converse([leader, follower]);
    leader.tick(HEARTBEAT_MS);
    converse([leader, follower]);
    read(follower, 9);
    const effects = follower.flush();
    expect(sentOf(effects)).toMatchObject([{ to: A, message: { type: 'readIndex' } }]);
    const asked = sentOf(effects).map(({ message }) => message);
    expect(sentOf(leader.peer(...asked)).filter(({ message }) => message.type === 'readIndexReply')).toEqual([]);
    const round = sentOf(leader.flush());
    for (const { to, message } of round) if (to === B) follower.peer(message);
    leader.peer(...sentLaterOf(follower.flush()).map(({ message }) => message));
    const answer = sentOf(leader.flush()).flatMap(({ message }) =>
      message.type === 'readIndexReply' ? [message] : [],
    );
    expect(answersIn(follower.peer(...answer))).toEqual([{ type: 'readReady', readIds: [9], index: 1 }]);
  });
});

describe('§6.4.1: the lease', () => {
  test('§6.4.1: begins when the heartbeats were sent that a majority has answered, not when it answered', () => {
    const subject = leaderWithoutLease();
    subject.tick(0);
    subject.flush();
    const sentAtMs = subject.nowMs;
    subject.nowMs += 30;
    subject.peer(subject.ack(B, 1));
    subject.flush();
    expect(subject.leader.quorumRoundStartedAtMs).toBe(sentAtMs);
  });

  test('§6.4.1: ends a tenth of the time before any follower that has answered would vote: so far may clocks run apart', () => {
    const [leader, follower] = [new Subject().establish(), new Subject({ self: B, log: [1], term: 1 })];
    leader.tick(HEARTBEAT_MS);
    converse([leader, follower]);
    const leaseStartMs = leader.leader.quorumRoundStartedAtMs;
    const contactMs = follower.core.leaderContactMs;

    leader.nowMs = leaseStartMs + 0.9 * MIN_MS - 1;
    read(leader, 1, true);
    expect(answersIn(leader.flush())).toMatchObject([{ type: 'readReady' }]);
    leader.nowMs += 1;
    read(leader, 2, true);
    expect(answersIn(leader.flush())).toEqual([]);

    follower.nowMs = contactMs + MIN_MS - 1;
    const asked = follower.peer(requestPreVote(1, [9, 9], { from: C }));
    expect(sentOf(asked)).toMatchObject([{ message: { voteGranted: false } }]);
    follower.peer(requestVote(2, [9, 9], { from: C }));
    expect(follower.core).toMatchObject({ term: 1 });
  });

  test('§6.4.1: is extended by ordinary heartbeats', () => {
    const subject = new Subject().establish();
    for (let i = 0; i < 20; i++) {
      subject.tick(HEARTBEAT_MS);
      subject.flush();
      read(subject, i, true);
      expect(answersIn(subject.flush())).toEqual([{ type: 'readReady', readIds: [i], index: 1 }]);
      subject.peer(subject.ack(C, 1));
      subject.flush();
    }
  });

  test('§6.4.1: is void once leadership is being transferred, for the target does not wait', () => {
    const subject = new Subject().establish();
    subject.local({ type: 'transferLeadership', target: B });
    read(subject, 1, true);
    expect(answersIn(subject.flush())).toEqual([]);
  });

  test('§6.4.1: is respected by a server that has just started: it may have answered in an earlier life', () => {
    const subject = new Subject({ log: [1], term: 1 });
    subject.nowMs += MIN_MS - 1;
    subject.peer(requestVote(2, [9, 9]));
    expect(subject.core).toMatchObject({ term: 1, votedFor: null });
  });

  test('§6.4.1: is nothing that a follower has', () => {
    const subject = new Subject({ log: [1], term: 1 });
    subject.peer(append(1, 1, [], { leaderCommit: 1 }));
    read(subject, 1, true);
    expect(answersIn(subject.flush())).toEqual([]);
    expect(subject.tick(MAX_MS).filter(({ type }) => type === 'readReady')).toEqual([]);
  });
});

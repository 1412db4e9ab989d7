/** Reads: what they wait for on a leader and on a follower, and that none waits for ever. */

import { describe, expect, test } from 'vitest';
import { majorityConfiguration } from '../../../../../src/actors/raft/configuration.js';
import { logIndex } from '../../../../../src/ids.js';
import { A, append, B, C, GROUP, HEARTBEAT_MS, MAX_MS, MIN_MS, sentOf, Subject } from './fixture.js';

function read(readId: number, more: { lease?: boolean; timeoutMs?: number } = {}) {
  return { type: 'read', readId, lease: false, timeoutMs: 1_000, ...more } as const;
}

/** The effects that concern reads. */
function answersIn(effects: readonly { readonly type: string }[]): readonly { readonly type: string }[] {
  return effects.filter(({ type }) => type === 'readReady' || type === 'readFailed');
}

/** A leader whose lease is over, although it has not yet stepped down. */
function leaderWithoutLease(): Subject {
  const subject = new Subject().establish();
  subject.nowMs = subject.leader.quorumRoundStartedAtMs + 0.9 * MIN_MS;
  return subject;
}

describe('a read on the leader', () => {
  test('waits until a quorum has answered a round that began after it', () => {
    const subject = leaderWithoutLease();
    const before = subject.leader.round;
    subject.local(read(1), read(2));
    const asked = sentOf(subject.flush());
    expect(asked).toMatchObject([
      { to: B, message: { type: 'appendEntries', round: before + 1 } },
      { to: C, message: { type: 'appendEntries', round: before + 1 } },
    ]);
    subject.peer(subject.ack(B, 1, before));
    expect(answersIn(subject.flush())).toEqual([]);
    subject.peer(subject.ack(B, 1, before + 1));
    expect(answersIn(subject.flush())).toEqual([{ type: 'readReady', readIds: [1, 2], index: 1 }]);
  });

  test('does not run in the round that was already under way', () => {
    const subject = leaderWithoutLease();
    subject.local(read(1));
    subject.flush();
    subject.local(read(2));
    subject.flush();
    subject.peer(subject.ack(B, 1, subject.leader.round - 1));
    expect(answersIn(subject.flush())).toEqual([{ type: 'readReady', readIds: [1], index: 1 }]);
    subject.peer(subject.ack(B, 1, subject.leader.round));
    expect(answersIn(subject.flush())).toEqual([{ type: 'readReady', readIds: [2], index: 1 }]);
  });

  test('waits for the first entry of the term', () => {
    const subject = new Subject().elect();
    subject.local(read(1, { lease: true }));
    expect(answersIn(subject.flush())).toEqual([]);
    subject.peer(subject.ack(B, 1));
    expect(answersIn(subject.flush())).toEqual([{ type: 'readReady', readIds: [1], index: 1 }]);
  });

  test('runs at once within the lease, if it asks for that', () => {
    const subject = new Subject().establish();
    subject.local(read(1, { lease: true }));
    const effects = subject.flush();
    expect(answersIn(effects)).toEqual([{ type: 'readReady', readIds: [1], index: 1 }]);
    expect(sentOf(effects)).toEqual([]);
  });

  test.each([
    ['asks a quorum if the machine has been suspended since, which its calendar clock alone shows', MAX_MS, 0],
    ['trusts the lease although the calendar clock was set back', -MAX_MS, 1],
  ])('%s', (_, jumpMs, answers) => {
    const subject = new Subject().establish();
    subject.wallMs += jumpMs;
    subject.local(read(1, { lease: true }));
    expect(answersIn(subject.flush())).toHaveLength(answers);
    // Each round begins a lease of its own.
    subject.peer(subject.ack(B, 1));
    subject.flush();
    subject.local(read(2, { lease: true }));
    expect(answersIn(subject.flush())).toEqual([{ type: 'readReady', readIds: [2], index: 1 }]);
  });

  test('asks a quorum once the lease is over', () => {
    const subject = leaderWithoutLease();
    subject.local(read(1, { lease: true }));
    expect(answersIn(subject.flush())).toEqual([]);
  });

  test('does not trust the lease once a successor was told to campaign, not even when the handover has failed', () => {
    const subject = new Subject().establish();
    subject.local({ type: 'transferLeadership', target: B });
    subject.flush();
    for (let passed = 0; passed <= MAX_MS; passed += HEARTBEAT_MS) {
      subject.tick(HEARTBEAT_MS);
      subject.flush();
      for (const from of [B, C]) subject.peer(subject.ack(from, 1));
      subject.flush();
    }
    expect(subject.core.handover).toBeNull();
    subject.local(read(1, { lease: true }));
    expect(answersIn(subject.flush())).toEqual([]);
  });

  test('is given up when its time is over', () => {
    const subject = leaderWithoutLease();
    subject.local(read(1, { timeoutMs: 5 }));
    subject.flush();
    expect(answersIn(subject.tick(5))).toEqual([{ type: 'readFailed', readIds: [1] }]);
  });

  test('asks the next leader when this one steps down', () => {
    const subject = leaderWithoutLease();
    subject.local(read(1));
    subject.flush();
    subject.peer(append(1, 1, [], { term: 2, from: C }));
    expect(sentOf(subject.flush())).toMatchObject([{ to: C, message: { type: 'readIndex', lease: false } }]);
  });

  test('of a group of one is confirmed by its own node', () => {
    const subject = new Subject({ configuration: majorityConfiguration([A]) }).elect();
    subject.local(read(1));
    expect(answersIn(subject.flush())).toEqual([{ type: 'readReady', readIds: [1], index: 1 }]);
  });
});

describe('a read on a follower', () => {
  test('asks the leader one question for all of a batch, and one more for those content with a lease', () => {
    const subject = follower();
    subject.local(read(1), read(2), read(3, { lease: true }));
    const [plain, lease] = sentOf(subject.flush());
    expect(plain).toMatchObject({ to: B, message: { type: 'readIndex', lease: false } });
    expect(lease).toMatchObject({ to: B, message: { type: 'readIndex', lease: true } });
    const answered = subject.peer(answerTo(plain, 7));
    expect(answersIn(answered)).toEqual([{ type: 'readReady', readIds: [1, 2], index: 7 }]);
  });

  test('ignores a doubled answer', () => {
    const subject = follower();
    subject.local(read(1));
    const [question] = sentOf(subject.flush());
    subject.peer(answerTo(question, 7));
    expect(subject.peer(answerTo(question, 7))).toEqual([]);
  });

  test('ignores the answer to a question that it has asked anew', () => {
    const subject = follower();
    subject.local(read(1));
    const [question] = sentOf(subject.flush());
    subject.connect(B);
    const [again] = sentOf(subject.flush());
    expect(again).toMatchObject({ message: { type: 'readIndex' } });
    expect(answersIn(subject.peer(answerTo(question, 3)))).toEqual([]);
    expect(answersIn(subject.peer(answerTo(again, 7)))).toEqual([{ type: 'readReady', readIds: [1], index: 7 }]);
  });

  test('asks again when no answer comes', () => {
    const subject = follower();
    subject.local(read(1));
    subject.flush();
    subject.nowMs += MIN_MS - 1;
    subject.peer(append(0, 0));
    subject.tick(2);
    expect(sentOf(subject.flush())).toMatchObject([{ to: B, message: { type: 'readIndex' } }]);
  });

  test('takes the answer to its first question after it has asked again, and a later one as well', () => {
    const [early, late] = [follower(), follower()].map((subject) => {
      subject.local(read(1));
      const [first] = sentOf(subject.flush());
      subject.nowMs += MIN_MS - 1;
      subject.peer(append(0, 0));
      subject.tick(2);
      const [second] = sentOf(subject.flush());
      return { subject, first, second };
    });

    expect(answersIn(early!.subject.peer(answerTo(early!.first, 3)))).toMatchObject([{ type: 'readReady', index: 3 }]);
    expect(answersIn(late!.subject.peer(answerTo(late!.second, 4)))).toMatchObject([{ type: 'readReady', index: 4 }]);
  });

  test('waits for a leader to become known', () => {
    const subject = new Subject({ term: 1 });
    subject.local(read(1));
    expect(subject.flush()).toEqual([]);
    subject.peer(append(0, 0));
    expect(sentOf(subject.flush())).toMatchObject([{ to: B, message: { type: 'readIndex' } }]);
  });

  test('is given up when its time is over', () => {
    const subject = new Subject({ term: 1 });
    subject.local(read(1, { timeoutMs: 20 }));
    subject.flush();
    expect(answersIn(subject.tick(20))).toEqual([{ type: 'readFailed', readIds: [1] }]);
  });

  test('ignores the answer to a question that only an earlier life of the node can have asked', () => {
    const subject = follower();
    subject.local(read(1));
    const [question] = sentOf(subject.flush());
    const { readId } = question!.message as { readId: number };
    expect(answersIn(subject.peer({ type: 'readIndexReply', readId: readId + 1_000, readIndex: logIndex(3) }))).toEqual(
      [],
    );
    expect(answersIn(subject.peer(answerTo(question, 7)))).toEqual([{ type: 'readReady', readIds: [1], index: 7 }]);
  });

  test('never uses the number of a question that an earlier life of the node asked', () => {
    const [first, second] = [1, 2].map((draw) => {
      const subject = follower(draw);
      subject.local(read(1));
      return sentOf(subject.flush())[0]!.message as { readId: number };
    });
    expect(first!.readId).not.toBe(second!.readId);
  });
});

describe('a question of a follower', () => {
  test('is answered after a round, and its asker is told of the commit index', () => {
    const subject = leaderWithoutLease();
    subject.peer({ type: 'readIndex', readId: 9, lease: false });
    expect(sentOf(subject.flush()).map(({ message }) => message.type)).toEqual(['appendEntries', 'appendEntries']);
    subject.peer(subject.ack(C, 1));
    expect(sentOf(subject.flush())).toMatchObject([
      { to: B, message: { type: 'readIndexReply', readId: 9, readIndex: 1 } },
    ]);
  });

  test('is answered at once from the lease', () => {
    const subject = new Subject().establish();
    subject.peer({ type: 'readIndex', readId: 9, lease: true });
    expect(sentOf(subject.flush())).toEqual([
      { to: B, message: { type: 'readIndexReply', group: GROUP, from: A, term: 1, readId: 9, readIndex: 1 } },
    ]);
  });

  test('of an earlier term is answered like any other', () => {
    const subject = new Subject().establish();
    subject.peer({ type: 'readIndex', readId: 9, lease: true, term: 0 });
    expect(sentOf(subject.flush())).toMatchObject([{ message: { type: 'readIndexReply', term: 1 } }]);
  });

  test('is let fall by a follower', () => {
    const subject = follower();
    subject.peer({ type: 'readIndex', readId: 9, lease: true, from: C });
    expect(subject.flush()).toEqual([]);
  });
});

/** A follower of `b` in term 1. */
function follower(draw = 0): Subject {
  const subject = new Subject({ term: 1, draw });
  subject.peer(append(0, 0));
  subject.flush();
  return subject;
}

function answerTo(question: { readonly message: unknown } | undefined, readIndex: number) {
  const { readId } = question!.message as { readId: number };
  return { type: 'readIndexReply', readId, readIndex: logIndex(readIndex) } as const;
}

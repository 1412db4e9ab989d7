/** The way of submissions into the log, and of leadership from one node to another. Nothing submitted is lost. */

import { describe, expect, test } from 'vitest';
import { EntryKind } from '../../../../../src/actors/raft/entry.js';
import { logIndex } from '../../../../../src/ids.js';
import { grantPreVote, grantVote, requestVote } from './campaigning.js';
import {
  A,
  append,
  B,
  blockOf,
  C,
  D,
  GROUP,
  HEARTBEAT_MS,
  MAX_MS,
  MIN_MS,
  sentOf,
  storesOf,
  Subject,
  termsOf,
} from './fixture.js';

function submit(value: number) {
  return { type: 'submit', content: blockOf(value) } as const;
}

function forward(value: number) {
  return { type: 'forward', ...blockOf(value) } as const;
}

function payloadsFrom(subject: Subject, index: number): number[] {
  const { log } = subject.core;
  const payloads: number[] = [];
  for (let at = index; at <= log.lastIndex; at++) payloads.push(log.entry(logIndex(at)).payload[0]!);
  return payloads;
}

function forwardedIn(effects: ReturnType<Subject['flush']>): number[] {
  return sentOf(effects).flatMap(({ message }) => (message.type === 'forward' ? [message.payload[0]!] : []));
}

/** A follower of `b` in term 1. */
function follower(): Subject {
  const subject = new Subject({ term: 1 });
  subject.peer(append(0, 0));
  subject.flush();
  return subject;
}

/** Lets a follower's leader be heard for this long. */
function listen(subject: Subject, forMs: number): number[] {
  const sent: number[] = [];
  for (let passed = 0; passed < forMs; passed += 10) {
    subject.peer(append(0, 0));
    subject.tick(10);
    sent.push(...forwardedIn(subject.flush()));
  }
  return sent;
}

describe('a submission on the leader', () => {
  test('is one entry, stored and replicated in one flush', () => {
    const subject = new Subject().establish();
    subject.local(submit(7));
    const effects = subject.flush();
    expect(payloadsFrom(subject, 2)).toEqual([7]);
    expect(sentOf(effects)).toMatchObject([
      { to: B, message: { type: 'appendEntries', prevLogIndex: 1, leaderCommit: 1 } },
      { to: C, message: { type: 'appendEntries', prevLogIndex: 1, leaderCommit: 1 } },
    ]);
    expect(storesOf(effects)).toMatchObject([
      {
        hardState: null,
        append: { firstIndex: 2, lastIndex: 2 },
        then: [{ type: 'tellSelf', message: { type: 'entriesWritten', index: 2, entryTerm: 1 } }],
      },
    ]);
  });

  test('of a peer is appended, and the peer is told of its commitment at once', () => {
    const subject = new Subject().establish();
    subject.peer(forward(7));
    subject.written(subject.flush());
    subject.peer(subject.ack(B, 2));
    const effects = subject.flush();
    expect(sentOf(effects)).toMatchObject([{ to: B, message: { type: 'appendEntries', leaderCommit: 2 } }]);
    expect(effects).toContainEqual({ type: 'commit', index: 2 });
  });

  test('of a peer that calls it a noop is let fall', () => {
    const subject = new Subject().establish();
    subject.peer({ ...forward(7), kind: EntryKind.noop });
    expect(subject.flush()).toEqual([]);
  });

  test('of a stranger is let fall', () => {
    const subject = new Subject().establish();
    subject.peer({ ...forward(7), from: D });
    expect(subject.flush()).toEqual([]);
  });

  test('that it has not seen applied goes to the next leader', () => {
    const subject = new Subject().establish();
    subject.local(submit(7), submit(8));
    subject.flush();
    subject.local({ type: 'submissionsApplied', count: 1 });
    subject.peer(append(1, 1, [], { term: 2, from: C }));
    expect(forwardedIn(subject.flush())).toEqual([8]);
  });
});

describe('a leader whose storage is behind', () => {
  test('takes in nothing of its own until that has caught up, and then all of it in order', () => {
    const subject = new Subject().establish();
    subject.local({ type: 'storageLag', isBehind: true }, submit(7), submit(8));
    expect(subject.flush()).toEqual([]);
    subject.local({ type: 'storageLag', isBehind: false });
    subject.flush();
    expect(payloadsFrom(subject, 2)).toEqual([7, 8]);
  });

  test('lets fall what others forward: they send it again', () => {
    const subject = new Subject().establish();
    subject.local({ type: 'storageLag', isBehind: true });
    subject.peer(forward(7));
    subject.local({ type: 'storageLag', isBehind: false });
    expect(subject.flush()).toEqual([]);
    subject.peer(forward(7));
    subject.flush();
    expect(payloadsFrom(subject, 2)).toEqual([7]);
  });

  test('makes room for another leader when it stays so, and does not campaign until it has caught up', () => {
    const subject = new Subject().establish();
    subject.local({ type: 'storageLag', isBehind: true });
    for (let round = 0; round < 40; round++) {
      subject.tick(25);
      if (subject.core.role.name !== 'leader') break;
      subject.peer(subject.ack(B, 1), subject.ack(C, 1));
    }
    expect(subject.core.role.name).toBe('follower');
    subject.tick(10_000);
    expect(subject.core.role.name).toBe('follower');
    subject.local({ type: 'storageLag', isBehind: false });
    subject.tick(10_000);
    expect(subject.core.role.name).toBe('preCandidate');
  });

  test('goes on sending and committing what it has', () => {
    const subject = new Subject().establish();
    subject.local(submit(7));
    subject.flush();
    subject.local({ type: 'storageLag', isBehind: true });
    subject.peer(subject.ack(B, 2), subject.ack(C, 2));
    expect(subject.flush()).toContainEqual({ type: 'commit', index: 2 });
  });
});

describe('a submission on a follower', () => {
  test('is forwarded once to the leader', () => {
    const subject = follower();
    subject.local(submit(7));
    expect(sentOf(subject.flush())).toEqual([
      {
        to: B,
        message: { type: 'forward', group: GROUP, from: A, term: 1, ...blockOf(7) },
      },
    ]);
    expect(subject.flush()).toEqual([]);
  });

  test('waits until a leader is known', () => {
    const subject = new Subject({ term: 1 });
    subject.local(submit(7));
    expect(subject.flush()).toEqual([]);
    subject.peer(append(0, 0));
    expect(forwardedIn(subject.flush())).toEqual([7]);
  });

  test('is sent again, in order, to a new leader and over a new connection', () => {
    const subject = follower();
    subject.local(submit(7), submit(8));
    subject.flush();
    subject.peer(append(0, 0, [], { term: 2, from: C }));
    expect(forwardedIn(subject.flush())).toEqual([7, 8]);
    subject.connect(C);
    expect(forwardedIn(subject.flush())).toEqual([7, 8]);
    subject.connect(B);
    expect(forwardedIn(subject.flush())).toEqual([]);
  });

  test('is sent again when nothing has been applied for long, ever more seldom', () => {
    const subject = follower();
    subject.local(submit(7));
    subject.flush();
    expect(listen(subject, MAX_MS - 10)).toEqual([]);
    expect(listen(subject, 20)).toEqual([7]);
    expect(listen(subject, 2 * MAX_MS - 20)).toEqual([]);
    expect(listen(subject, 30)).toEqual([7]);
  });

  test('is sent again to a new leader as soon as to a first one, however long the old one has been silent', () => {
    const subject = follower();
    subject.local(submit(7));
    subject.flush();
    expect(listen(subject, 10 * MAX_MS)).toEqual([7, 7, 7]);
    subject.peer(append(0, 0, [], { term: 2, from: C }));
    expect(forwardedIn(subject.flush())).toEqual([7]);
    for (let passed = 0; passed < MAX_MS; passed += 10) {
      subject.peer(append(0, 0, [], { from: C }));
      subject.tick(10);
    }
    expect(forwardedIn(subject.flush())).toEqual([7]);
  });

  test('is sent again when the objects miss it, once until something is applied', () => {
    const subject = follower();
    subject.local(submit(7), submit(8));
    subject.flush();
    subject.local({ type: 'submissionsRefused' });
    expect(forwardedIn(subject.flush())).toEqual([7, 8]);
    subject.local({ type: 'submissionsRefused' });
    expect(forwardedIn(subject.flush())).toEqual([]);
    subject.local({ type: 'submissionsApplied', count: 1 }, { type: 'submissionsRefused' });
    expect(forwardedIn(subject.flush())).toEqual([8]);
  });
});

describe('a handover', () => {
  function handingOver(): Subject {
    const subject = new Subject().establish();
    subject.local({ type: 'transferLeadership', target: B });
    return subject;
  }

  test('tells a target that has everything to campaign', () => {
    const subject = handingOver();
    expect(sentOf(subject.flush())).toEqual([
      { to: B, message: { type: 'timeoutNow', group: GROUP, from: A, term: 1 } },
    ]);
    expect(subject.flush()).toEqual([]);
  });

  test('without a target goes to the voter that has the most', () => {
    const subject = new Subject().establish();
    subject.local(submit(7));
    subject.flush();
    subject.peer(subject.ack(C, 2));
    subject.flush();
    subject.local({ type: 'transferLeadership', target: null });
    expect(sentOf(subject.flush())).toMatchObject([{ to: C, message: { type: 'timeoutNow' } }]);
  });

  test.each([
    ['a stranger', D, 'no such voter'],
    ['itself', A, null],
  ])('to %s ends at once: %s', (_, target, error) => {
    const subject = new Subject().establish();
    expect(subject.local({ type: 'transferLeadership', target })).toEqual([{ type: 'transferEnded', error }]);
  });

  test('is refused where no leader is known', () => {
    expect(new Subject().local({ type: 'transferLeadership', target: B })).toEqual([
      { type: 'transferEnded', error: 'no leader' },
    ]);
  });

  test('is one at a time', () => {
    const subject = handingOver();
    subject.flush();
    expect(subject.local({ type: 'transferLeadership', target: C })).toEqual([
      { type: 'transferEnded', error: 'already under way' },
    ]);
  });

  test('holds back what is submitted and forwarded meanwhile', () => {
    const subject = handingOver();
    subject.flush();
    subject.local(submit(7));
    subject.peer(forward(8));
    expect(subject.flush()).toEqual([]);
    expect(subject.core.log.lastIndex).toBe(1);
  });

  test('is over once its leader is elected again: what is submitted in the new term goes into the log at once', () => {
    const subject = handingOver();
    subject.flush();
    subject.local(submit(7));
    // The target asks for votes, and dies.
    subject.peer(requestVote(2, [1, 1], { transfer: true }));
    subject.written(subject.flush());
    subject.tick(MIN_MS);
    grantPreVote(subject, C);
    subject.written(subject.flush());
    grantVote(subject, C);

    const effects = subject.flush();

    expect(subject.core).toMatchObject({ term: 3, handover: null });
    expect(effects).toContainEqual({ type: 'transferEnded', error: 'another node was elected' });
    expect(termsOf(subject.core)).toEqual([1, 3, 3]);
  });

  test('that fails in time brings what was held back into the log, to the peers and to disk in the same flush', () => {
    const subject = handingOver();
    subject.flush();
    subject.local(submit(7));
    subject.peer(forward(8));
    subject.flush();
    const effects = waitForTheEnd(subject);
    expect(effects).toContainEqual({ type: 'transferEnded', error: 'timed out' });
    expect(payloadsFrom(subject, 2).toSorted((a, b) => a - b)).toEqual([7, 8]);
    expect(storesOf(effects)).toMatchObject([{ append: { firstIndex: 2, lastIndex: 3 } }]);
    const appends = sentOf(effects).filter(
      ({ message }) => message.type === 'appendEntries' && message.entries.length > 0,
    );
    expect(appends.map(({ to }) => to)).toEqual([B, C]);
  });

  test('has succeeded when the target leads', () => {
    const subject = handingOver();
    subject.flush();
    subject.peer(append(1, 1, [2], { term: 2, from: B }));
    expect(subject.flush()).toContainEqual({ type: 'transferEnded', error: null });
  });

  test('has failed when another node leads', () => {
    const subject = handingOver();
    subject.flush();
    subject.peer(append(1, 1, [2], { term: 2, from: C }));
    expect(subject.flush()).toContainEqual({ type: 'transferEnded', error: 'another node was elected' });
  });

  test('has failed when nobody leads in time', () => {
    const subject = handingOver();
    subject.flush();
    subject.peer({
      type: 'requestVote',
      term: 2,
      leadershipTransfer: true,
      lastLogIndex: logIndex(1),
      lastLogTerm: subject.core.term,
    });
    subject.flush();
    subject.tick(MAX_MS);
    expect(subject.flush()).toContainEqual({ type: 'transferEnded', error: 'timed out' });
  });
});

/**
 * Time passes, with peers that answer, until the handover has ended; returns the effects of the flush in which it did.
 */
function waitForTheEnd(subject: Subject): ReturnType<Subject['flush']> {
  for (;;) {
    subject.tick(HEARTBEAT_MS);
    const effects = subject.flush();
    if (subject.core.handover === null) return effects;
    subject.acknowledge();
  }
}

/**
 * Raft §5.2, claim by claim: how a leader comes to be. We differ in one thing: where the paper's follower becomes a
 * candidate, ours first asks whether it would be elected (thesis §9.6), in the term that it is in.
 */

import { describe, expect, test } from 'vitest';
import { candidate, grantPreVote, grantVote, requestVote } from '../roles/campaigning.js';
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
  START_MS,
  storesOf,
  Subject,
  termsOf,
} from '../roles/fixture.js';
import { configurationOf, converse, votersOf } from './conversation.js';

/** A random number of this fraction of all. */
function draw(fraction: number): number {
  return fraction * 0x1_0000_0000;
}

/** A follower that has not heard from a leader for so long that it votes. */
function forsaken(given = {}): Subject {
  const subject = new Subject({ log: [1, 1, 2], ...given });
  subject.nowMs += MIN_MS;
  return subject;
}

describe('followers', () => {
  test('§5.2: when servers start up, they begin as followers, whatever they were', () => {
    const { core } = new Subject({ log: [1, 4], term: 4, votedFor: A });
    expect(core).toMatchObject({ role: { name: 'follower' }, term: 4, leader: null });
  });

  test('§5.2: a server remains a follower as long as it hears from a leader', () => {
    const subject = new Subject({ log: [1], term: 1 });
    for (let passed = 0; passed < 10 * MAX_MS; passed += MIN_MS - 1) {
      subject.tick(MIN_MS - 1);
      subject.peer(append(1, 1));
    }
    expect(subject.core).toMatchObject({ role: { name: 'follower' }, term: 1 });
  });

  test('§5.2: and a while longer when it has given its vote to a candidate', () => {
    // In a term that it has reached already: a later one alone makes it wait.
    const subject = forsaken({ term: 3 });
    subject.peer(requestVote(3, [3, 2]));
    subject.tick(MIN_MS - 1);
    expect(subject.core.role.name).toBe('follower');
    subject.tick(1);
    expect(subject.core.role.name).toBe('preCandidate');
  });

  test('§5.2: but not for a candidate that it has refused, nor for a leader of an earlier term', () => {
    const subject = new Subject({ log: [1, 1, 2], term: 3 });
    subject.nowMs += MIN_MS - 1;
    subject.peer(requestVote(3, [1, 1]), append(3, 2, [], { term: 2, from: C }));
    subject.tick(1);
    expect(subject.core.role.name).toBe('preCandidate');
  });

  test('§5.2: a follower that hears nothing for an election timeout begins an election', () => {
    const subject = new Subject({ log: [1] });
    const effects = subject.tick(MIN_MS);
    expect(sentOf(effects)).toMatchObject([
      { to: B, message: { type: 'requestPreVote', campaignTerm: 2 } },
      { to: C, message: { type: 'requestPreVote', campaignTerm: 2 } },
    ]);
  });
});

describe('candidates', () => {
  test('§5.2: a candidate increments its term, votes for itself, and asks all others for their votes in parallel', () => {
    const subject = new Subject({ log: [1], term: 1, configuration: configurationOf(5) });
    const [, ...others] = votersOf(5);
    subject.tick(MAX_MS);
    grantPreVote(subject, ...others);
    const effects = subject.flush();
    expect(subject.core).toMatchObject({ role: { name: 'candidate' }, term: 2, votedFor: A });
    expect(sentLaterOf(effects)).toMatchObject(
      others.map((to) => ({ to, message: { type: 'requestVote', term: 2, lastLogIndex: 1, lastLogTerm: 1 } })),
    );
    expect(storesOf(effects)).toMatchObject([{ hardState: { term: 2, votedFor: A } }]);
  });

  test.each([1, 2, 3, 4, 5, 7, 9, 15])(
    '§5.2: it wins with the votes of a majority of %i servers, its own among them, and not before',
    (size) => {
      const [, ...others] = votersOf(size);
      const subject = new Subject({ configuration: configurationOf(size) });
      subject.tick(MAX_MS);
      grantPreVote(subject, ...others);
      subject.written(subject.flush());
      let votes = 1;
      while (subject.core.role.name === 'candidate') grantVote(subject, others[votes++ - 1]!);
      expect(subject.core.role.name).toBe('leader');
      expect(votes).toBe(Math.floor(size / 2) + 1);
    },
  );

  test('§5.2: votes count for the term in which they were given', () => {
    const subject = candidate({ configuration: configurationOf(5), term: 1 }, [B, C]);
    subject.tick(MAX_MS);
    grantPreVote(subject, B, C);
    subject.written(subject.flush());
    expect(subject.core).toMatchObject({ role: { name: 'candidate' }, term: 3 });
    subject.peer({ type: 'requestVoteReply', voteGranted: true, from: B, term: 2 });
    grantVote(subject, C);
    expect(subject.core.role.name).toBe('candidate');
    grantVote(subject, B);
    expect(subject.core.role.name).toBe('leader');
  });

  test('§5.2: each server votes for at most one candidate in a term, first come first served', () => {
    const subject = forsaken();
    subject.peer(requestVote(3, [3, 2]), requestVote(3, [9, 2], { from: C }), requestVote(3, [3, 2]));
    expect(sentLaterOf(subject.flush())).toMatchObject([
      { to: B, message: { voteGranted: true } },
      { to: C, message: { voteGranted: false } },
      { to: B, message: { voteGranted: true } },
    ]);
  });

  test('§5.2: a candidate has given its vote of that term to itself', () => {
    const subject = candidate({ log: [1], term: 1 }, [B]);
    subject.peer(requestVote(2, [9, 1], { from: C }));
    expect(sentLaterOf(subject.flush())).toMatchObject([{ to: C, message: { voteGranted: false } }]);
  });

  test('§5.2: the winner becomes leader, and tells all others at once, so that no new election begins', () => {
    const subject = candidate({ configuration: configurationOf(5) }, [B, C]);
    grantVote(subject, B, C);
    expect(sentOf(subject.flush())).toMatchObject(
      votersOf(5)
        .slice(1)
        .map((to) => ({ to, message: { type: 'appendEntries', term: 1 } })),
    );
  });

  test('§5.2: a leader goes on sending heartbeats to all, whether there is anything else to send or not', () => {
    const subject = new Subject().establish();
    for (let i = 0; i < 3; i++) {
      subject.tick(HEARTBEAT_MS);
      expect(sentOf(subject.flush()).map(({ to, message }) => [to, message.type])).toEqual([
        [B, 'appendEntries'],
        [C, 'appendEntries'],
      ]);
    }
  });

  test.each([
    ['its own', 2],
    ['a later', 5],
  ])(
    '§5.2: a candidate that hears from a leader of %s term recognizes it, and returns to follower',
    (_, leaderTerm) => {
      const subject = candidate({ log: [1], term: 1 }, [B]);
      subject.peer(append(1, 1, [leaderTerm], { term: leaderTerm, from: C }));
      expect(subject.core).toMatchObject({ role: { name: 'follower' }, leader: C, term: leaderTerm });
      expect(termsOf(subject.core)).toEqual([1, leaderTerm]);
    },
  );

  test('§5.2: a candidate that hears from a leader of an earlier term rejects it, and goes on', () => {
    const subject = candidate({ log: [1], term: 1 }, [B]);
    subject.peer(append(1, 1, [1], { term: 1, from: C }));
    expect(subject.core).toMatchObject({ role: { name: 'candidate' }, leader: null, log: { lastIndex: 1 } });
    grantVote(subject, B);
    expect(subject.core.role.name).toBe('leader');
  });

  test('§5.2: when votes are split, each candidate times out and begins a new election in a new term', () => {
    const subject = candidate({ configuration: configurationOf(4), term: 1 }, [B, C]);
    grantVote(subject, B);
    expect(subject.core).toMatchObject({ role: { name: 'candidate' }, term: 2 });
    subject.tick(MAX_MS);
    grantPreVote(subject, B, C);
    expect(subject.core).toMatchObject({ role: { name: 'candidate' }, term: 3, votedFor: A });
  });
});

describe('randomized election timeouts', () => {
  test.each([
    [0, MIN_MS],
    [0.25, MIN_MS + 0.25 * (MAX_MS - MIN_MS)],
    [0.75, MIN_MS + 0.75 * (MAX_MS - MIN_MS)],
  ])('§5.2: the timeout is chosen at random from a fixed interval: %d of it', (fraction, timeoutMs) => {
    const subject = new Subject({ draw: draw(fraction) });
    expect(subject.core.electionDeadlineMs).toBe(START_MS + timeoutMs);
    subject.tick(timeoutMs - 1);
    expect(subject.core.role.name).toBe('follower');
    subject.tick(1);
    expect(subject.core.role.name).toBe('preCandidate');
  });

  test('§5.2: a candidate restarts it at the start of an election, and waits for it to elapse before the next one', () => {
    const subject = new Subject({ draw: draw(0.5) });
    subject.tick(MAX_MS);
    // It has asked first, and that took its time.
    subject.nowMs += 40;
    grantPreVote(subject, B);
    subject.written(subject.flush());
    subject.tick(MIN_MS + 0.5 * (MAX_MS - MIN_MS) - 1);
    expect(subject.core.role.name).toBe('candidate');
    subject.tick(1);
    expect(subject.core.role.name).toBe('preCandidate');
  });

  test('§5.2: whose timeout ends first wins, and is the leader of all before any other times out', () => {
    const nodes = [A, B, C].map((self, i) => new Subject({ self, draw: draw(0.2 * i) }));
    const [a, ...others] = nodes;
    for (const other of others) other.tick(MIN_MS);
    converse(nodes, sentOf(a!.tick(MIN_MS)));
    expect(nodes.map(({ core }) => [core.role.name, core.term, core.leader])).toEqual([
      ['leader', 1, A],
      ['follower', 1, A],
      ['follower', 1, A],
    ]);
  });
});

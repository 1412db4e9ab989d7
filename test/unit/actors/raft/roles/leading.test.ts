/** A leader: how it brings its peers' logs to be like its own, what it commits, and when it steps down. */

import { describe, expect, test } from 'vitest';
import { majorityConfiguration } from '../../../../../src/actors/raft/configuration.js';
import { logIndex, term } from '../../../../../src/ids.js';
import {
  A,
  append,
  B,
  blockOf,
  C,
  D,
  HEARTBEAT_MS,
  MAX_MS,
  sentLaterOf,
  sentOf,
  storesOf,
  Subject,
  termsOf,
} from './fixture.js';

function submit(subject: Subject, count = 1): void {
  for (let i = 0; i < count; i++) subject.local({ type: 'submit', content: blockOf(i) });
}

/** What is sent to this peer, without the rest. */
function to(peer: typeof B, effects: ReturnType<Subject['flush']>) {
  return sentOf(effects).flatMap((sent) => (sent.to === peer ? [sent.message] : []));
}

describe('a leader that was just elected', () => {
  test('begins with an entry of its own term, probes everybody, and stores it meanwhile', () => {
    const subject = new Subject({ log: [1, 1] });
    subject.tick(MAX_MS);
    subject.peer({ type: 'requestPreVoteReply', campaignTerm: term(2), voteGranted: true });
    subject.written(subject.flush());
    subject.peer({ type: 'requestVoteReply', voteGranted: true });
    const effects = subject.flush();
    expect(termsOf(subject.core)).toEqual([1, 1, 2]);
    expect(sentOf(effects)).toMatchObject([
      { to: B, message: { type: 'appendEntries', term: 2, prevLogIndex: 2, prevLogTerm: 1, leaderCommit: 0 } },
      { to: C, message: { type: 'appendEntries', prevLogIndex: 2 } },
    ]);
    expect(storesOf(effects)).toMatchObject([
      { append: { firstIndex: 3, lastIndex: 3 }, then: [{ message: { type: 'entriesWritten', index: 3 } }] },
    ]);
  });

  test('sends one probe at a time, and again with each heartbeat', () => {
    const subject = new Subject({ log: [1, 1] }).elect();
    submit(subject);
    expect(sentOf(subject.flush())).toEqual([]);
    subject.tick(HEARTBEAT_MS);
    expect(to(B, subject.flush())).toMatchObject([{ prevLogIndex: 2, round: 1 }]);
  });
});

describe('what is committed', () => {
  test('does not count learners and observers', () => {
    const subject = new Subject({ configuration: majorityConfiguration([A, B, C], [D]) }).establish();
    submit(subject);
    subject.written(subject.flush());
    subject.peer(subject.ack(D, 2));
    subject.flush();
    expect(subject.core.commitIndex).toBe(1);
  });

  test('is told to an idle peer with the next tick, not at once', () => {
    const subject = new Subject().establish();
    submit(subject);
    subject.written(subject.flush());
    subject.peer(subject.ack(B, 2), subject.ack(C, 2));
    expect(sentOf(subject.flush())).toEqual([]);
    subject.tick(1);
    expect(sentOf(subject.flush())).toMatchObject([
      { to: B, message: { leaderCommit: 2 } },
      { to: C, message: { leaderCommit: 2 } },
    ]);
  });
});

describe('a reply', () => {
  test.each([
    ['of another session', { session: 99 }],
    ['to a round that was never begun', { round: 99 }],
    ['of an earlier term', { term: 0 }],
    ['from a stranger', { from: D }],
    ['about entries that the leader does not have', { matchIndex: logIndex(99) }],
  ])('%s changes nothing', (_, wrong) => {
    const subject = new Subject().establish();
    submit(subject);
    subject.written(subject.flush());
    subject.peer({ ...subject.ack(B, 2), ...wrong });
    subject.flush();
    expect(subject.core.commitIndex).toBe(1);
    expect(subject.leader.peers.get(B)).toMatchObject({ matchIndex: 1 });
  });

  test('that comes late or twice takes nothing back', () => {
    const subject = new Subject().establish();
    submit(subject, 2);
    subject.flush();
    subject.peer(subject.ack(B, 3), subject.ack(B, 2), subject.ack(B, 3));
    expect(subject.leader.peers.get(B)).toMatchObject({ state: 'replicate', matchIndex: 3, nextIndex: 4 });
  });

  test('of a later term ends the leadership', () => {
    const subject = new Subject().establish();
    subject.peer({ ...subject.refusal(B, 1, 0, 0), term: 5 });
    expect(subject.core).toMatchObject({ role: { name: 'follower' }, term: 5, leader: null });
  });
});

describe('a refusal', () => {
  test('of a log that is too short sends what it lacks', () => {
    const subject = new Subject({ log: [1, 1, 1] }).elect();
    subject.peer(subject.refusal(B, 3, 2, 0));
    expect(to(B, subject.flush())).toMatchObject([{ prevLogIndex: 1, prevLogTerm: 1 }]);
  });

  test('of a term that the leader does not have goes back behind all of it', () => {
    const subject = new Subject({ log: [1, 3, 3, 3] }).elect();
    subject.peer(subject.refusal(B, 4, 2, 2));
    expect(to(B, subject.flush())).toMatchObject([{ prevLogIndex: 1, prevLogTerm: 1 }]);
  });

  test('of a term that the leader has goes to the end of that', () => {
    const subject = new Subject({ log: [1, 1, 1, 3] }).elect();
    subject.peer(subject.refusal(B, 4, 1, 1));
    expect(to(B, subject.flush())).toMatchObject([{ prevLogIndex: 3, prevLogTerm: 1 }]);
  });

  test('while replicating starts a probe, once', () => {
    const subject = new Subject().establish();
    submit(subject, 3);
    subject.flush();
    subject.peer(subject.refusal(B, 4, 2, 0), subject.refusal(B, 3, 2, 0));
    expect(to(B, subject.flush())).toMatchObject([{ prevLogIndex: 1 }]);
    expect(subject.leader.peers.get(B)).toMatchObject({ state: 'probe' });
    subject.peer(subject.ack(B, 4));
    expect(subject.leader.peers.get(B)).toMatchObject({ state: 'replicate', nextIndex: 5 });
  });

  test('of what the peer has acknowledged does not make the two of them spin', () => {
    const subject = new Subject().establish();
    subject.connect(B);
    subject.flush();
    subject.peer(subject.refusal(B, 1, 1, 0));
    expect(to(B, subject.flush())).toEqual([]);
  });

  test('that was doubled does not go back twice', () => {
    const subject = new Subject({ log: [1, 1, 1, 1] }).elect();
    subject.peer(subject.refusal(B, 4, 4, 0), subject.refusal(B, 4, 4, 0));
    expect(to(B, subject.flush())).toMatchObject([{ prevLogIndex: 3 }]);
  });
});

describe('the way to a peer', () => {
  test('is probed anew over a new connection, for what was under way may be lost', () => {
    const subject = new Subject().establish();
    submit(subject);
    subject.flush();
    subject.connect(B);
    expect(to(B, subject.flush())).toMatchObject([{ prevLogIndex: 1 }]);
    expect(to(C, subject.flush())).toEqual([]);
  });

  test('to an observer begins when it connects and ends when it leaves; then what it said is void', () => {
    const subject = new Subject().establish();
    subject.connect(D);
    expect(to(D, subject.flush())).toMatchObject([{ type: 'appendEntries', prevLogIndex: 1 }]);
    const early = subject.ack(D, 1);
    subject.local({ type: 'peerDisconnected', peer: D });
    subject.connect(D);
    subject.flush();
    subject.peer(early);
    expect(subject.leader.peers.get(D)).toMatchObject({ matchIndex: 0, state: 'probe' });
    subject.local({ type: 'peerDisconnected', peer: D });
    submit(subject);
    expect(to(D, subject.flush())).toEqual([]);
  });

  test('to an observer that has left is forgotten, whoever leads', () => {
    const [leader, follower] = [new Subject().establish(), new Subject()];
    for (const subject of [leader, follower]) {
      subject.connect(D);
      subject.local({ type: 'peerDisconnected', peer: D });

      expect([...subject.core.incarnations.keys()]).toEqual([B, C]);
    }
  });

  test('to an observer that came before the election is there after it', () => {
    const subject = new Subject();
    subject.connect(D);
    subject.elect();
    expect([...subject.leader.peers.keys()]).toEqual([B, C, D]);
  });
});

describe('a leader', () => {
  test('starts a round with each heartbeat', () => {
    const subject = new Subject().establish();
    subject.tick(HEARTBEAT_MS - 1);
    expect(sentOf(subject.flush())).toEqual([]);
    subject.tick(1);
    expect(sentOf(subject.flush())).toMatchObject([{ message: { round: 2 } }, { message: { round: 2 } }]);
  });

  test('steps down when no quorum has answered for the longest election timeout, in the same term', () => {
    const subject = new Subject().establish();
    const since = subject.leader.quorumRoundStartedAtMs;
    subject.tick(since + MAX_MS - subject.nowMs);
    expect(subject.core.role.name).toBe('leader');
    const effects = subject.tick(1);
    expect(subject.core).toMatchObject({ role: { name: 'follower' }, term: 1, leader: null, votedFor: A });
    expect(effects).toContainEqual({ type: 'roleChanged', role: 'follower', term: 1, leader: null });
  });

  test('is deposed by no request for a vote but one that it asked for', () => {
    const subject = new Subject().establish();
    const request = { type: 'requestVote', lastLogIndex: logIndex(9), lastLogTerm: term(8), term: 9 } as const;
    subject.peer({ ...request, leadershipTransfer: false });
    expect(subject.core).toMatchObject({ role: { name: 'leader' }, term: 1 });
    subject.peer({ ...request, leadershipTransfer: true });
    expect(subject.core).toMatchObject({ role: { name: 'follower' }, term: 9, votedFor: B });
  });

  test('has voted for itself', () => {
    const subject = new Subject().establish();
    const log = { lastLogIndex: logIndex(9), lastLogTerm: term(8) };
    subject.peer({ type: 'requestVote', ...log, leadershipTransfer: true });
    expect(sentLaterOf(subject.flush())).toMatchObject([{ message: { voteGranted: false } }]);
  });

  test('knows that another one in its term cannot be', () => {
    const subject = new Subject().establish();
    expect(() => subject.peer(append(1, 1))).toThrow(expect.objectContaining({ code: 'ERR_ASSERTION' }));
  });

  test.each(['timeoutNow', 'requestPreVoteReply', 'requestVoteReply', 'readIndexReply'] as const)(
    'takes no notice of %s',
    (type) => {
      const subject = new Subject().establish();
      const fields = { campaignTerm: term(2), voteGranted: true, readId: 1, readIndex: logIndex(1) };
      expect(subject.peer({ type, ...fields })).toEqual([]);
      expect(subject.flush()).toEqual([]);
      expect(subject.core.role.name).toBe('leader');
    },
  );
});

describe('a peer that lacks what the log no longer has', () => {
  function shortened(): Subject {
    const subject = new Subject({ log: [1, 1, 1] }).elect();
    subject.peer(subject.ack(B, 4));
    subject.flush();
    subject.local({ type: 'applied', index: logIndex(4) });
    subject.core.log.dropTo(logIndex(4));
    subject.peer(subject.refusal(C, 3, 1, 0));
    return subject;
  }

  test('is offered a snapshot, and only heartbeats until that has been sent', () => {
    const subject = shortened();
    const { session } = subject.leader.peers.get(C)!;
    expect(subject.flush()).toContainEqual({ type: 'sendSnapshot', to: C, session, round: 0, term: 2 });
    submit(subject);
    expect(to(C, subject.flush())).toEqual([]);
    subject.tick(HEARTBEAT_MS);
    expect(to(C, subject.flush())).toMatchObject([{ type: 'appendEntries', prevLogIndex: 0 }]);
  });

  test('is offered another one with the next heartbeat, if it has not said that it holds the first', () => {
    const subject = shortened();
    subject.flush();
    subject.local({ type: 'snapshotSent', peer: C, session: subject.leader.peers.get(C)!.session });
    expect(subject.flush()).toEqual([]);
    subject.tick(HEARTBEAT_MS);
    expect(subject.flush()).toContainEqual(expect.objectContaining({ type: 'sendSnapshot', to: C }));
  });

  test('is offered one with each heartbeat, however many rounds are started in between for reads', () => {
    const subject = new Subject({ log: [1, 1, 1] }).elect();
    subject.peer(subject.ack(B, 4), subject.ack(C, 3));
    subject.flush();
    subject.local({ type: 'applied', index: logIndex(4) });
    subject.core.log.dropTo(logIndex(4));
    subject.local({ type: 'peerDisconnected', peer: C });
    subject.connect(C);
    let offers = 0;

    for (let i = 1; i <= 30; i++) {
      subject.tick(HEARTBEAT_MS / 3);
      subject.local({ type: 'read', readId: i, lease: false, timeoutMs: 1_000 });
      const isOffered = subject.flush().some(({ type }) => type === 'sendSnapshot');
      if (isOffered) subject.local({ type: 'snapshotSent', peer: C, session: subject.leader.peers.get(C)!.session });
      offers += Number(isOffered);
      // It was started again since it acknowledged, and does not know what is committed.
      subject.peer(subject.ack(B, 4), subject.refusal(C, 3, 1, 1));
    }

    expect(offers).toBeGreaterThanOrEqual(10);
  });

  test.each([
    ['to the offer', (subject: Subject) => holds(subject, 4)],
    ['to a heartbeat', (subject: Subject) => subject.ack(C, 4)],
  ])('goes on behind the snapshot once its reply %s says that it holds it', (_, reply) => {
    const subject = shortened();
    subject.flush();
    submit(subject);
    subject.flush();
    subject.peer(reply(subject));
    expect(to(C, subject.flush())).toMatchObject([{ type: 'appendEntries', prevLogIndex: 4, prevLogTerm: 2 }]);
  });

  test('is offered another one if the log has been shortened further meanwhile', () => {
    const subject = shortened();
    subject.flush();
    submit(subject);
    subject.written(subject.flush());
    subject.peer(subject.ack(B, 5));
    subject.flush();
    subject.core.log.dropTo(logIndex(5));
    subject.peer(holds(subject, 4));
    expect(subject.flush()).toContainEqual(expect.objectContaining({ type: 'sendSnapshot', to: C }));
  });
});

function holds(subject: Subject, index: number) {
  const { session } = subject.leader.peers.get(C)!;
  return { type: 'installSnapshotReply', from: C, session, round: 0, lastIncludedIndex: logIndex(index) } as const;
}

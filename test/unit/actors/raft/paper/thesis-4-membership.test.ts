/**
 * Raft thesis §4 and Raft §6, claim by claim. We differ in that every change of voters goes by way of C_old,new (§4.3),
 * also those of one voter, and in that learners (§4.2.1) are always on their way to become voters. A voter that has
 * lost its memory is replaced as one server is by another, by the rules of §4.1. What a leader does step by step is in
 * roles/changing.test.ts and roles/admitting.test.ts.
 */

import { describe, expect, test } from 'vitest';
import {
  configurationOf as configurationOfParts,
  majorityConfiguration,
} from '../../../../../src/actors/raft/configuration.js';
import { configurationContent } from '../../../../../src/actors/raft/configuration-entry.js';
import { nodeId } from '../../../../../src/ids.js';
import { admissionAt, admissionContent, grantPreVote, grantVote, requestVote } from '../roles/campaigning.js';
import {
  A,
  append,
  B,
  C,
  D,
  encode,
  HEARTBEAT_MS,
  lifeOf,
  MAX_MS,
  MIN_MS,
  sentLaterOf,
  sentOf,
  Subject,
} from '../roles/fixture.js';
import { configurationOf, converse, votersOf } from './conversation.js';

const E = nodeId('e');

describe('§4.1: replacing one server at a time', () => {
  test('§4.1: a change takes effect where it is appended, not where it is committed', () => {
    const subject = new Subject({ log: [1], term: 1 });
    subject.peer({ ...append(1, 1), entries: encode(2, [[admissionContent([[B, null]]), 1]]) });
    expect(subject.core).toMatchObject({ commitIndex: 0 });
    subject.tick(MAX_MS);
    grantPreVote(subject, B);
    expect(subject.core.role.name).toBe('preCandidate');
    grantPreVote(subject, C);
    expect(subject.core.role.name).toBe('candidate');
  });

  test('§4.1: and loses it where it is cut off', () => {
    const subject = new Subject({ log: [1], term: 1 });
    subject.peer({ ...append(1, 1), entries: encode(2, [[admissionContent([[B, null]]), 1]]) });
    subject.peer(append(1, 1, [2], { term: 2, from: C }));
    subject.tick(MAX_MS);
    grantPreVote(subject, B);
    expect(subject.core.role.name).toBe('candidate');
  });

  // The correction to changes of single servers that was made after the thesis.
  test('§4.1: a leader changes nothing before an entry of its own term is committed', () => {
    const subject = new Subject({ log: [1, 1], term: 1, lives: { b: 2 } }).elect([C]);
    subject.tick(HEARTBEAT_MS);
    subject.flush();
    // b has answered this leader, and all entries of the term before are on a majority.
    subject.peer(subject.ack(B, 3), subject.ack(C, 2));
    subject.flush();
    expect(subject.core).toMatchObject({ commitIndex: 0, log: { lastIndex: 3 } });
    subject.peer(subject.ack(C, 3));
    subject.flush();
    expect(subject.core.commitIndex).toBe(3);
    expect(admissionAt(subject, 4)).toEqual([[B, null]]);
  });
});

describe('§4.2.1: who has no vote yet', () => {
  const WITH_LEARNER = majorityConfiguration([A, B, C], [D]);

  test('§4.2.1: is sent the log, and does not count towards majorities, neither for votes nor for commitment', () => {
    const subject = new Subject({ configuration: WITH_LEARNER });
    subject.tick(MAX_MS);
    grantPreVote(subject, D);
    expect(subject.core.role.name).toBe('preCandidate');
    grantPreVote(subject, B);
    subject.written(subject.flush());
    grantVote(subject, D);
    expect(subject.core.role.name).toBe('candidate');
    grantVote(subject, B);
    const effects = subject.flush();
    subject.written(effects);
    expect(sentOf(effects).map(({ to }) => to)).toEqual([B, C, D]);
    subject.peer(subject.ack(D, 1));
    subject.flush();
    expect(subject.core.commitIndex).toBe(0);
  });

  test('§4.2.1: is brought up to date by the leader, whatever the others do', () => {
    const leader = new Subject({ configuration: WITH_LEARNER, log: [1, 1, 1] }).elect();
    const learner = new Subject({ configuration: WITH_LEARNER, self: D });
    leader.tick(HEARTBEAT_MS);
    converse([leader, learner]);
    expect(leader.leader.peers.get(D)).toMatchObject({ matchIndex: 4 });
    expect(learner.core.log.lastIndex).toBe(4);
  });

  test('§4.2.1: is asked for no vote', () => {
    const subject = new Subject({ configuration: WITH_LEARNER });
    expect(sentOf(subject.tick(MAX_MS)).map(({ to }) => to)).toEqual([B, C]);
    grantPreVote(subject, B);
    expect(sentLaterOf(subject.flush()).map(({ to }) => to)).toEqual([B, C]);
  });
});

describe('§4.3: joint consensus', () => {
  const OLD = majorityConfiguration([A, B, C]);
  /** C_old,new: d and e take the places of b and c. */
  const JOINT = configurationOfParts({
    ...OLD,
    voters: [A, D, E],
    old: OLD,
    admitted: new Map([A, B, C, D, E].map((id) => [id, lifeOf(id)])),
  });

  function joint(): Subject {
    const subject = new Subject({ log: [1], term: 1 });
    for (const id of [D, E]) subject.connect(id);
    subject.peer({ ...append(1, 1), entries: encode(2, [[configurationContent(JOINT), 1]]) });
    return subject;
  }

  test('§4.3: log entries are replicated to all servers in both configurations', () => {
    const subject = joint().elect([B, D]);
    subject.tick(HEARTBEAT_MS);
    expect(sentOf(subject.flush()).map(({ to }) => to)).toEqual(expect.arrayContaining([B, C, D, E]));
  });

  test('§4.3: agreement takes majorities of both the old and the new configuration: for elections', () => {
    const subject = joint();
    subject.tick(MAX_MS);
    grantPreVote(subject, B, C);
    expect(subject.core.role.name).toBe('preCandidate');
    grantPreVote(subject, E);
    subject.written(subject.flush());
    grantVote(subject, D, E);
    expect(subject.core.role.name).toBe('candidate');
    grantVote(subject, C);
    expect(subject.core.role.name).toBe('leader');
  });

  test('§4.3: and for commitment', () => {
    for (const [some, others] of [
      [[B, C], [E]],
      [[D, E], [B]],
    ] as const) {
      const subject = joint().elect([B, D]);
      subject.peer(...some.map((id) => subject.ack(id, 3)));
      subject.flush();
      expect(subject.core.commitIndex).toBe(0);
      subject.peer(...others.map((id) => subject.ack(id, 3)));
      subject.flush();
      expect(subject.core.commitIndex).toBe(3);
    }
  });

  test('§4.3: any server from either configuration may serve as leader', () => {
    for (const self of [A, C, E]) {
      const subject = new Subject({ self, log: [1], term: 1 });
      const others = [A, B, C, D, E].filter((id) => id !== self);
      for (const id of others) subject.connect(id);
      subject.peer({ ...append(1, 1, [], { from: B }), entries: encode(2, [[configurationContent(JOINT), 1]]) });
      expect(subject.elect(others).core.role.name).toBe('leader');
    }
  });

  test('§4.3: once it is committed, the leader creates C_new, and does not wait for that to use it', () => {
    const subject = joint().elect([B, D]);
    subject.peer(subject.ack(B, 3), subject.ack(D, 3));
    subject.written(subject.flush());
    expect(subject.core).toMatchObject({ commitIndex: 3, log: { lastIndex: 4 } });
    expect(subject.core.configurations.current).toMatchObject({ voters: [A, D, E], old: null });
    subject.peer(subject.ack(E, 4));
    subject.flush();
    expect(subject.core.commitIndex).toBe(4);
  });
});

describe('§4.2.3: disruptive servers', () => {
  test('§4.2.3: a server that has heard from a leader within the minimum election timeout takes no later term from a candidate', () => {
    const subject = new Subject({ log: [1], term: 1 });
    subject.nowMs += MIN_MS;
    subject.peer(append(1, 1, [], { from: C }));
    subject.flush();
    subject.nowMs += MIN_MS - 1;
    subject.peer(requestVote(7, [9, 6]));
    expect(subject.core).toMatchObject({ term: 1, votedFor: null, leader: C });
    expect(subject.flush()).toEqual([]);

    subject.nowMs += 1;
    subject.peer(requestVote(7, [9, 6]));
    expect(subject.core).toMatchObject({ term: 7, votedFor: B });
  });

  test('§4.2.3: a leader that gets its heartbeats through is not deposed by a server that does not hear them', () => {
    const nodes = votersOf(3).map((self) => new Subject({ self, configuration: configurationOf(3) }));
    const [leader, follower, disruptive] = nodes as [Subject, Subject, Subject];
    leader.elect();
    for (let i = 0; i < 20; i++) {
      for (const each of [leader, follower]) each.tick(HEARTBEAT_MS);
      converse([leader, follower]);
      const asked = sentOf(disruptive.tick(HEARTBEAT_MS));
      converse([leader, follower], [...asked, { to: A, message: insistent(disruptive) }]);
    }
    expect(leader.core).toMatchObject({ role: { name: 'leader' }, term: 1, commitIndex: 1 });
    expect(follower.core).toMatchObject({ term: 1, leader: A });
  });

  test('§4.2.3: but a request that the leader itself has caused is heard (§3.10)', () => {
    const subject = new Subject({ log: [1], term: 1 });
    subject.peer(append(1, 1, [], { from: C }));
    subject.peer(requestVote(2, [1, 1], { transfer: true }));
    expect(sentLaterOf(subject.flush())).toContainEqual(
      expect.objectContaining({ message: expect.objectContaining({ type: 'requestVoteReply', voteGranted: true }) }),
    );
  });
});

/** What a server without pre-votes would send. */
function insistent({ core }: Subject) {
  const { group, self } = core.options;
  return { group, ...requestVote(core.term + 5, [9, 9], { from: self }) };
}

/** Attacks on who counts: interleavings in which a wrong count would lose what was committed, or a cluster for ever. */

import { describe, expect, test } from 'vitest';
import { majorityConfiguration } from '../../../../src/actors/raft/configuration.js';
import { logIndex, nodeId, term } from '../../../../src/ids.js';
import { candidate, grantVote } from './roles/campaigning.js';
import {
  A,
  append,
  B,
  C,
  D,
  encode,
  foundedAs,
  blockOf,
  HEARTBEAT_MS,
  lifeOf,
  MAX_MS,
  Subject,
  termsOf,
} from './roles/fixture.js';

const E = nodeId('e');
const FIVE = majorityConfiguration([A, B, C, D, E]);

describe('a leader whose last quorum included a voter that comes back as another', () => {
  test('does not retire it while nobody else could commit that: it may be needed again as it was', () => {
    const subject = new Subject().establish();
    // `b` is down from here on; `c` is started with the wrong directory.
    subject.tick(HEARTBEAT_MS);
    subject.flush();
    subject.connect(C, 2);
    subject.tick(HEARTBEAT_MS);
    subject.flush();
    subject.peer(subject.ack(C, 1));
    subject.flush();
    expect(termsOf(subject.core)).toEqual([1]);
    // And with the right one again.
    subject.connect(C, 1);
    subject.tick(HEARTBEAT_MS);
    subject.flush();
    subject.peer(subject.ack(C, 1));
    subject.flush();
    subject.tick(MAX_MS);
    expect(subject.core.role.name).toBe('leader');
  });
});

describe('a voter that comes back as another, and always answers before the others do', () => {
  test('is let in: the others have answered since it came, however many rounds they are behind it', () => {
    const subject = new Subject().establish();
    subject.connect(C, 2);
    // `b` is further away than a heartbeat takes to be due: what it answers is the round before.
    for (let rounds = 0; rounds < 10; rounds++) {
      subject.tick(HEARTBEAT_MS);
      subject.flush();
      subject.peer(subject.ack(C, subject.core.log.lastIndex));
      subject.written(subject.flush());
      subject.peer(subject.ack(B, subject.core.log.lastIndex, subject.leader.round - 1));
      subject.written(subject.flush());
    }
    expect(subject.core.configurations.current.admitted.get(C)).toBe(lifeOf(C, 2));
  });
});

describe('a candidate that is given a snapshot', () => {
  test('counts no vote that its log does not admit any more', () => {
    const subject = candidate({ configuration: FIVE, admissions: [] }, [B, C, D, E]);
    grantVote(subject, B, C);
    subject.local({
      type: 'snapshotInstalled',
      lastIncluded: { index: logIndex(8), term: term(1), timestampMs: 1 },
      configuration: foundedAs(FIVE, [
        [A, lifeOf(A, 9)],
        [B, lifeOf(B, 9)],
        [C, lifeOf(C, 9)],
        [D, lifeOf(D)],
        [E, lifeOf(E)],
      ]),
    });
    grantVote(subject, D);
    expect(subject.core.role.name).toBe('candidate');
  });
});

describe('an observer whose cluster has lost its memory and was founded anew', () => {
  const observer = nodeId('observer');
  const given = {
    self: observer,
    configuration: majorityConfiguration([A, B, C]),
    log: [1, 1, 1],
    admissions: [A, B, C].map((id) => [id, lifeOf(id)] as const),
    lives: { a: 2, b: 2, c: 2 },
  };

  test('takes nothing from its leader, for what it holds is of another cluster', () => {
    const subject = new Subject(given);
    const news = { ...append(3, 1, [], { from: A, leaderCommit: 4 }), entries: encode(4, [[blockOf(9), 1]]) };
    expect(() => subject.peer(news)).toThrow(/another/i);
    expect(subject.core).toMatchObject({ commitIndex: 0, leader: null, log: { lastIndex: 3 } });
  });

  test('nor what was committed there by others, when it comes with an entry of the leader’s term', () => {
    const subject = new Subject(given);
    const news = { ...append(3, 1, [], { from: A, term: 2, leaderCommit: 5 }) };
    const entries = encode(4, [
      [blockOf(9), 1],
      [blockOf(9), 2],
    ]);
    expect(() => subject.peer({ ...news, entries })).toThrow(/another/i);
    expect(subject.core).toMatchObject({ commitIndex: 0, log: { lastIndex: 3 } });
  });
});

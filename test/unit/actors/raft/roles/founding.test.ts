/** It takes all voters to found a cluster: one that is missing might be one that remembers a cluster. */

import { describe, expect, test } from 'vitest';
import { majorityConfiguration, NOBODY } from '../../../../../src/actors/raft/configuration.js';
import {
  admissionAt,
  admissionContent,
  candidate,
  grantPreVote,
  grantVote,
  requestPreVote,
  requestVote,
} from './campaigning.js';
import { A, append, B, C, D, encode, lifeOf, MAX_MS, sentLaterOf, sentOf, Subject } from './fixture.js';

describe('a cluster that is yet to be founded', () => {
  test('takes the pre-votes and votes of all, and its log begins with them', () => {
    const subject = new Subject({ admissions: [] });
    subject.tick(MAX_MS);
    grantPreVote(subject, B);
    expect(subject.core.role.name).toBe('preCandidate');
    grantPreVote(subject, C);
    expect(subject.core.role.name).toBe('candidate');
    subject.written(subject.flush());
    grantVote(subject, C);
    expect(subject.core.role.name).toBe('candidate');
    grantVote(subject, B);
    expect(subject.core.role.name).toBe('leader');
    expect(admissionAt(subject, 1)).toEqual([
      [A, 'a1'],
      [B, 'b1'],
      [C, 'c1'],
    ]);
    expect(subject.core.configurations.current.admitted.get(C)).toBe('c1');
  });

  test('takes its own vote too, once that is durable', () => {
    const subject = new Subject({ admissions: [] });
    subject.tick(MAX_MS);
    grantPreVote(subject, B, C);
    const effects = subject.flush();
    grantVote(subject, B, C);
    expect(subject.core.role.name).toBe('candidate');
    subject.written(effects);
    expect(subject.core.role.name).toBe('leader');
  });

  test('takes no vote of a voter whose incarnation is unknown', () => {
    const subject = new Subject({ admissions: [], lives: { c: null } });
    subject.tick(MAX_MS);
    grantPreVote(subject, B, C);
    expect(subject.core.role.name).toBe('preCandidate');
    subject.connect(C);
    grantPreVote(subject, C);
    expect(subject.core.role.name).toBe('candidate');
  });

  test('is not founded with the vote of one who has lost its memory since', () => {
    const subject = candidate({ admissions: [] }, [B, C]);
    grantVote(subject, B);
    subject.connect(B, 2);
    grantVote(subject, C);
    expect(subject.core.role.name).toBe('candidate');
    grantVote(subject, B);
    expect(admissionAt(subject, 1)).toContainEqual([B, 'b2']);
  });

  test('is founded by a single voter alone', () => {
    const subject = new Subject({ admissions: [], configuration: majorityConfiguration([A]) });
    subject.tick(MAX_MS);
    subject.written(subject.flush());
    subject.written(subject.flush());
    subject.flush();
    expect(admissionAt(subject, 1)).toEqual([[A, 'a1']]);
    expect(subject.core.commitIndex).toBe(1);
  });

  test('is none any more for a node that has its first entry', () => {
    const subject = new Subject({ admissions: [] });
    const founding = admissionContent([A, B, C].map((id) => [id, lifeOf(id)]));
    subject.peer({ ...append(0, 0, [], { term: 1 }), entries: encode(1, [[founding, 1]]) });
    subject.flush();
    subject.tick(MAX_MS);
    grantPreVote(subject, B);
    expect(subject.core.role.name).toBe('candidate');
  });

  test('is none again where that entry is cut off', () => {
    const subject = new Subject({ admissions: [] });
    const founding = admissionContent([A, B, C].map((id) => [id, lifeOf(id)]));
    subject.peer({ ...append(0, 0, [], { term: 1 }), entries: encode(1, [[founding, 1]]) });
    subject.peer(append(0, 0, [2], { term: 2, from: C }));
    expect(subject.core.configurations.isFounded).toBe(false);
  });
});

describe('a node that would found a cluster', () => {
  const foundersOf = (subject: Subject): Uint8Array => {
    const [first] = sentOf(subject.tick(MAX_MS));
    if (first?.message.type !== 'requestPreVote') throw new Error('asks for no pre-votes');
    return first.message.founders;
  };
  const ABC = new TextEncoder().encode('a, b, c');
  const ABD = new TextEncoder().encode('a, b, d');

  test('says with whom, in whatever order its options name them; and says nothing of it once there is a cluster', () => {
    expect(foundersOf(new Subject({ admissions: [] }))).toEqual(ABC);
    expect(foundersOf(new Subject({ admissions: [], configuration: majorityConfiguration([C, B, A]) }))).toEqual(ABC);
    expect(foundersOf(new Subject())).toEqual(new Uint8Array(0));
  });

  test('votes for one who would found the very same', () => {
    const subject = new Subject({ admissions: [] });
    subject.tick(MAX_MS);
    const effects = subject.peer({ ...requestVote(1, [0, 0]), founders: ABC });
    expect(sentLaterOf([...effects, ...subject.flush()])).toMatchObject([{ message: { voteGranted: true } }]);
  });

  test('does not vote for one who would found another one, which overlaps with it: there would be two', () => {
    const subject = new Subject({ admissions: [] });
    subject.tick(MAX_MS);

    const asked = subject.peer({ ...requestPreVote(0, [0, 0]), founders: ABD });
    expect(sentOf(asked)).toMatchObject([{ message: { type: 'requestPreVoteReply', voteGranted: false } }]);
    expect(asked).toContainEqual({ type: 'foundersDiffer', from: B, founders: 'a, b, d' });

    const effects = subject.peer({ ...requestVote(1, [0, 0]), founders: ABD });
    expect(sentLaterOf([...effects, ...subject.flush()])).toMatchObject([{ message: { voteGranted: false } }]);
    expect(effects).toContainEqual({ type: 'foundersDiffer', from: B, founders: 'a, b, d' });
    expect(subject.core.votedFor).toBeNull();
  });

  test('votes for one who remembers a cluster', () => {
    const subject = new Subject({ admissions: [] });
    subject.tick(MAX_MS);
    subject.peer(requestVote(1, [1, 1]));
    expect(subject.core.votedFor).toBe(B);
  });

  test('gets no vote of one who is to join', () => {
    const subject = new Subject({ configuration: NOBODY, self: D, admissions: [] });
    subject.connect(A);
    subject.tick(MAX_MS);
    subject.peer({ ...requestVote(1, [0, 0], { from: A }), founders: new TextEncoder().encode('a, d') });
    expect(subject.core.votedFor).toBeNull();
  });
});

/** It takes all voters to found a cluster: one that is missing might be one that remembers a cluster. */

import { describe, expect, test } from 'vitest';
import { majorityConfiguration } from '../../../../../src/actors/raft/configuration.js';
import { admissionAt, admissionContent, candidate, grantPreVote, grantVote } from './campaigning.js';
import { A, append, B, C, encode, lifeOf, MAX_MS, Subject } from './fixture.js';

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

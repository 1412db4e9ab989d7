/** What campaigns and admissions need in tests of roles. */

import { decodeAdmissions, type Admission } from '../../../../../src/actors/raft/admissions.js';
import { EntryKind } from '../../../../../src/actors/raft/entry.js';
import { logIndex, term, type NodeId } from '../../../../../src/ids.js';
import { MAX_MS, Subject, type Given } from './fixture.js';

/** What the log says at this index; null if that is no admission. */
export function admissionAt({ core }: Subject, index: number): Admission[] | null {
  const { kind, payload } = core.log.entry(logIndex(index));
  return kind === EntryKind.admission ? decodeAdmissions(payload) : null;
}

export function grantPreVote(subject: Subject, ...from: NodeId[]): void {
  const campaignTerm = term(subject.core.term + 1);
  for (const id of from) subject.peer({ type: 'requestPreVoteReply', campaignTerm, voteGranted: true, from: id });
}

export function grantVote(subject: Subject, ...from: NodeId[]): void {
  for (const id of from) subject.peer({ type: 'requestVoteReply', voteGranted: true, from: id });
}

/** A candidate, whose own vote is durable. */
export function candidate(given: Given, by: readonly NodeId[]): Subject {
  const subject = new Subject(given);
  subject.tick(MAX_MS);
  grantPreVote(subject, ...by);
  subject.written(subject.flush());
  return subject;
}

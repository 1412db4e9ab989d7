/** What campaigns and admissions need in tests of roles. */

import { decodeAdmissions, type Admission } from '../../../../../src/actors/raft/admissions.js';
import { EntryKind } from '../../../../../src/actors/raft/entry.js';
import type { RequestPreVote, RequestVote } from '../../../../../src/actors/raft/messages.js';
import { logIndex, term, type NodeId } from '../../../../../src/ids.js';
import { B, MAX_MS, Subject, type Given } from './fixture.js';

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

type Request<Message> = Omit<Message, 'group'>;

/** A candidate's request, in this term, whose log ends so. */
export function requestVote(
  inTerm: number,
  [lastLogIndex, lastLogTerm]: readonly [index: number, term: number],
  { from = B, transfer = false } = {},
): Request<RequestVote> {
  const log = { lastLogIndex: logIndex(lastLogIndex), lastLogTerm: term(lastLogTerm) };
  return { type: 'requestVote', from, term: term(inTerm), ...log, leadershipTransfer: transfer };
}

/** A question of a node in this term, which would campaign in the next one. */
export function requestPreVote(
  inTerm: number,
  [lastLogIndex, lastLogTerm]: readonly [index: number, term: number],
  { from = B } = {},
): Request<RequestPreVote> {
  const log = { lastLogIndex: logIndex(lastLogIndex), lastLogTerm: term(lastLogTerm) };
  return { type: 'requestPreVote', from, term: term(inTerm), campaignTerm: term(inTerm + 1), ...log };
}

/** What campaigns and admissions need in tests of roles. */

import { majorityConfiguration, type Configuration } from '../../../../../src/actors/raft/configuration.js';
import { configurationContent, decodeConfiguration } from '../../../../../src/actors/raft/configuration-entry.js';
import { EntryKind, type Content } from '../../../../../src/actors/raft/entry.js';
import type { RequestPreVote, RequestVote } from '../../../../../src/actors/raft/messages.js';
import { logIndex, term, type NodeId } from '../../../../../src/ids.js';
import { A, B, C, firstLivesOf, foundedAs, MAX_MS, Subject, type Admission, type Given } from './fixture.js';

/** Which admissions the entry at this index changes; null if it says nothing of members. */
export function admissionAt(subject: Subject, index: number): Admission[] | null {
  const configuration = configurationAt(subject, index);
  if (configuration === null) return null;
  const before = subject.core.configurations.at(logIndex(index - 1))?.admitted;
  return configuration.electors
    .map((id): Admission => [id, configuration.admitted.get(id) ?? null])
    .filter(([id, life]) => (before?.get(id) ?? null) !== life);
}

/** What the log says of members at this index; null if it is about something else. */
export function configurationAt({ core }: Subject, index: number): Configuration | null {
  const { kind, payload } = core.log.entry(logIndex(index));
  return kind === EntryKind.configuration ? decodeConfiguration(payload) : null;
}

/** The entry by which all voters count as they were founded, but for these. */
export function admissionContent(
  changes: readonly Admission[],
  configuration: Configuration = majorityConfiguration([A, B, C]),
): Content {
  return configurationContent(foundedAs(configuration, [...firstLivesOf(configuration), ...changes])!);
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
  return { type: 'requestVote', from, term: term(inTerm), ...log, leadershipTransfer: transfer, founders: NONE };
}

/** A question of a node in this term, which would campaign in the next one. */
export function requestPreVote(
  inTerm: number,
  [lastLogIndex, lastLogTerm]: readonly [index: number, term: number],
  { from = B } = {},
): Request<RequestPreVote> {
  const log = { lastLogIndex: logIndex(lastLogIndex), lastLogTerm: term(lastLogTerm) };
  return { type: 'requestPreVote', from, term: term(inTerm), campaignTerm: term(inTerm + 1), ...log, founders: NONE };
}

/** Whoever asks knows a cluster. */
const NONE = new Uint8Array(0);

/**
 * One line for a message between nodes, as scenarios show it. Entries are written index/term; behind one that says
 * who the members are stands what it says.
 */

import type { Configuration } from '../../src/actors/raft/configuration.js';
import { decodeConfiguration } from '../../src/actors/raft/configuration-entry.js';
import { EntryKind, EntryReader, type Entry } from '../../src/actors/raft/entry.js';
import { decodeVersionRefusal } from '../../src/actors/raft/version-refusal.js';
import type { NodeId } from '../../src/ids.js';
import type {
  AppendEntries,
  AppendEntriesReply,
  ChangeRequest,
  MembersKnown,
  PeerMessage,
  VersionReply,
} from '../../src/actors/raft/messages.js';

export function describeMessage(message: PeerMessage): string {
  return `${message.type} t${message.term} ${detailsOf(message)}`.trimEnd();
}

function detailsOf(message: PeerMessage): string {
  switch (message.type) {
    case 'requestPreVote':
      return `for t${message.campaignTerm}, log ${message.lastLogIndex}/${message.lastLogTerm}`;
    case 'requestPreVoteReply':
    case 'requestVoteReply':
      return message.voteGranted ? 'granted' : 'refused';
    case 'requestVote':
      return `log ${message.lastLogIndex}/${message.lastLogTerm}${message.leadershipTransfer ? ', transfer' : ''}`;
    case 'appendEntries':
      return describeAppend(message);
    case 'appendEntriesReply':
      return describeReply(message);
    case 'installSnapshot':
      return `up to ${message.lastIncludedIndex}/${message.lastIncludedTerm}`;
    case 'installSnapshotReply':
      return `holds ${message.lastIncludedIndex}`;
    case 'timeoutNow':
      return '';
    case 'readIndex':
      return message.lease ? 'lease' : '';
    case 'readIndexReply':
      return `index ${message.readIndex}`;
    case 'forward':
      return '';
    case 'changeRequest':
      return describeChange(message);
    case 'changeReply':
      return message.refusal === null ? `begun, at ${message.index} at the latest` : `refused, ${message.refusal}`;
    case 'versionRequest':
      return `${message.version}`;
    case 'versionReply':
      return describeRaise(message);
    case 'transferRequest':
      return message.target === null ? '' : `to ${message.target}`;
    case 'transferReply':
      return message.error === null ? 'done' : `failed, ${message.error}`;
    case 'membersKnown':
      return describeMembers(message);
  }
}

function describeChange({ add, remove, knownIndex }: ChangeRequest): string {
  const what = add === null ? `remove ${remove}` : `add ${add}${remove === null ? '' : ` for ${remove}`}`;
  return `${what}, known up to ${knownIndex}`;
}

function describeRaise({ refusal }: VersionReply): string {
  const reason = decodeVersionRefusal(refusal)?.reason;
  return reason === undefined ? 'begun' : `refused, ${reason}`;
}

function describeMembers({ configuration, commitIndex, hasLeader }: MembersKnown): string {
  const members = describeConfiguration(decodeConfiguration(configuration));
  return `${members}, commit ${commitIndex}${hasLeader ? '' : ', leader unknown'}`;
}

function describeAppend({ session, round, prevLogIndex, prevLogTerm, entries, leaderCommit }: AppendEntries): string {
  const reader = new EntryReader();
  const shown: string[] = [];
  reader.reset(entries);
  while (reader.next()) {
    const { kind, index, term, payloadStart, payloadEnd } = reader;
    shown.push(describeEntry({ kind, index, term, payload: entries.subarray(payloadStart, payloadEnd) }));
  }
  const added = shown.length === 0 ? '' : `: ${shown.join(' ')}`;
  return `after ${prevLogIndex}/${prevLogTerm}${added}, commit ${leaderCommit} (session ${session}, round ${round})`;
}

function describeReply({
  session,
  round,
  success,
  matchIndex,
  conflictIndex,
  conflictTerm,
}: AppendEntriesReply): string {
  const asked = `(session ${session}, round ${round})`;
  if (success) return `matches ${matchIndex} ${asked}`;
  return `refuses ${matchIndex}, look at ${conflictIndex}/${conflictTerm} ${asked}`;
}

export function describeEntry({ kind, index, term, payload }: Omit<Entry, 'timestampMs'>): string {
  if (kind !== EntryKind.configuration) return `${index}/${term}`;
  return `${index}/${term}(${describeConfiguration(decodeConfiguration(payload))})`;
}

/**
 * Each voter with the incarnation in which it counts; `->` from an old set of voters to a new one; `+` is a learner.
 */
export function describeConfiguration({ voters, old, learners, admitted }: Configuration): string {
  const describe = (ids: readonly string[]): string =>
    ids.map((id) => `${id}=${admitted.get(id as NodeId) ?? 'nobody'}`).join(' ');
  const change = old === null ? '' : `${describe(old.voters)} -> `;
  const added = learners.map(({ id, replaces }) => ` +${id}${replaces === null ? '' : ` for ${replaces}`}`);
  return `${change}${describe(voters)}${added.join('')}`;
}

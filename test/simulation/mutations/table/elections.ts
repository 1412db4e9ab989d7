/** Mutations of elections: votes, terms, who may be elected (Raft §5.2, §5.4.1; thesis §6.2, §9.6). */

import type { Mutation } from '../mutation.js';

export const ELECTIONS: readonly Mutation[] = [
  {
    name: 'a vote is not stored',
    rule: 'votedFor is on the disk before a request for a vote is answered (figure 2)',
    edits: [
      {
        file: 'actors/raft/voting.ts',
        text: 'if (core.votedFor === null) core.isHardStateDirty = true;',
        replacement: '',
      },
    ],
  },
  {
    name: 'a vote is sent before it is stored',
    rule: 'votedFor is on the disk before a request for a vote is answered (figure 2)',
    edits: [
      {
        file: 'actors/raft/voting.ts',
        text: `  core.afterStore.push({
    type: 'send',
    to: message.from,`,
        replacement: `  core.effects.push({
    type: 'send',
    to: message.from,`,
      },
    ],
  },
  {
    name: 'votes are asked for before the own one is stored',
    rule: 'a candidate has voted for itself before it asks others (figure 2)',
    edits: [
      {
        file: 'actors/raft/voting.ts',
        text: `    core.afterStore.push({
      type: 'send',
      to,`,
        replacement: `    core.effects.push({
      type: 'send',
      to,`,
      },
    ],
  },
  {
    name: 'a new term is not stored',
    rule: 'currentTerm is on the disk before anything is said in it (figure 2)',
    edits: [
      {
        file: 'actors/raft/transitions.ts',
        text: `  core.votedFor = null;
  core.isHardStateDirty = true;`,
        replacement: '  core.votedFor = null;',
      },
    ],
  },
  {
    name: 'term and vote are forgotten at a restart',
    rule: 'currentTerm and votedFor are persistent (figure 2)',
    edits: [
      {
        file: 'actors/raft/state.ts',
        text: '= recovered?.hardState ?? { term: term(0), votedFor: null };',
        replacement: '= { term: recovered?.log.lastTerm ?? term(0), votedFor: null };',
      },
    ],
  },
  {
    name: 'a vote is forgotten at a restart',
    rule: 'votedFor is persistent (figure 2)',
    edits: [
      {
        file: 'actors/raft/state.ts',
        text: '= recovered?.hardState ?? { term: term(0), votedFor: null };',
        replacement: '= { term: recovered?.hardState?.term ?? term(0), votedFor: null };',
      },
    ],
  },
  {
    name: 'a node votes twice in a term',
    rule: 'each server votes for one candidate at most in a term (§5.2)',
    edits: [
      {
        file: 'actors/raft/voting.ts',
        text: 'const isFree = core.votedFor === null || core.votedFor === message.from;',
        replacement: 'const isFree = true;',
      },
    ],
  },
  {
    name: 'a candidate counts votes of an earlier term',
    rule: 'a vote is for its term (§5.2)',
    edits: [
      {
        file: 'actors/raft/step.ts',
        text: `    case 'requestPreVoteReply':
      return message.voteGranted;
    case 'requestVote':`,
        replacement: `    case 'requestPreVoteReply':
      return message.voteGranted;
    case 'requestVoteReply':
      return true;
    case 'requestVote':`,
      },
    ],
  },
  {
    name: 'a pre-candidate counts promises for an earlier campaign',
    rule: 'a promise is for its campaign (thesis §9.6)',
    edits: [
      {
        file: 'actors/raft/roles/pre-candidate.ts',
        text: 'if (!message.voteGranted || message.campaignTerm !== core.term + 1) return role;',
        replacement: 'if (!message.voteGranted) return role;',
      },
    ],
  },
  {
    name: 'promises are counted as votes',
    rule: 'a promise binds nobody: a vote does (thesis §9.6)',
    edits: [
      {
        file: 'actors/raft/transitions.ts',
        text: "return { name: 'candidate', granted: new Map() };",
        replacement:
          "return { name: 'candidate', granted: core.role.name === 'preCandidate' ? core.role.granted : new Map() };",
      },
    ],
  },
  {
    name: 'logs are not compared in an election',
    rule: 'the election restriction (§5.4.1)',
    edits: [
      {
        file: 'actors/raft/voting.ts',
        text: `  if (candidate.lastLogTerm !== lastTerm) return candidate.lastLogTerm > lastTerm;
  return candidate.lastLogIndex >= lastIndex;`,
        replacement: '  return lastTerm >= 0 && lastIndex >= 0;',
      },
    ],
  },
  {
    name: 'logs are compared by their length only',
    rule: 'the election restriction: terms first (§5.4.1)',
    edits: [
      {
        file: 'actors/raft/voting.ts',
        text: '  if (candidate.lastLogTerm !== lastTerm) return candidate.lastLogTerm > lastTerm;\n',
        replacement: '',
      },
    ],
  },
  {
    name: 'logs are compared by their last terms only',
    rule: 'the election restriction: the length where terms are equal (§5.4.1)',
    edits: [
      {
        file: 'actors/raft/voting.ts',
        text: 'return candidate.lastLogIndex >= lastIndex;',
        replacement: 'return lastIndex >= 0;',
      },
    ],
  },
  {
    name: 'a leader goes on in the later term that it hears of',
    rule: 'whoever hears of a later term becomes a follower (§5.1)',
    edits: [
      {
        file: 'actors/raft/step.ts',
        text: '  core.role = becomeFollower(core, null);',
        replacement: "  if (core.role.name !== 'leader') core.role = becomeFollower(core, null);",
      },
    ],
  },
  {
    name: 'nodes vote while they hear a leader',
    rule: 'whoever hears its leader does not vote (thesis §6.2), which is what a lease rests on (§6.4.1)',
    edits: [
      {
        file: 'actors/raft/voting.ts',
        text: ' || core.nowMs - core.leaderContactMs < core.options.electionTimeoutMs[0];',
        replacement: ';',
      },
    ],
  },
  {
    name: 'a node votes as soon as it has started',
    rule: 'a node that has just started may have heard from a leader just before, and its lease stands',
    edits: [
      { file: 'actors/raft/state.ts', text: 'leaderContactMs: nowMs,', replacement: 'leaderContactMs: -Infinity,' },
    ],
  },
  {
    name: 'one vote too few elects',
    rule: 'any two election quorums share a voter (§5.2)',
    edits: [
      {
        file: 'actors/raft/quorum.ts',
        text: 'return new SizedQuorum(voters, size, size);',
        replacement: 'return new SizedQuorum(voters, size - 1, size);',
      },
    ],
  },
  {
    name: 'a majority founds a cluster',
    rule: 'all voters found a cluster, for any that is missing might remember one',
    edits: [
      {
        file: 'actors/raft/admitting.ts',
        text: 'return electors.every((id) => granted.has(id) && granted.get(id) === incarnationOf(core, id));',
        replacement: 'return quorum.isElectionQuorum(new Set(granted.keys()));',
      },
    ],
  },
  {
    name: 'a node that has lost its memory counts at once',
    rule: 'what a voter has promised, it remembers: one that has forgotten is let in again first',
    edits: [
      {
        file: 'actors/raft/admitting.ts',
        text: 'return incarnation !== undefined && incarnation === incarnationOf(core, id);',
        replacement: 'return incarnation !== undefined;',
      },
      {
        file: 'actors/raft/admitting.ts',
        text: 'const counted = [...granted].filter(([id, incarnation]) => admitted.get(id) === incarnation);',
        replacement: 'const counted = [...granted].filter(([id]) => admitted.has(id));',
      },
    ],
  },
  {
    name: 'a node that has lost its memory is let in by one entry',
    rule: 'members change one at a time: the old incarnation goes before the new one comes (thesis §4.1)',
    edits: [
      {
        file: 'actors/raft/changing.ts',
        text: 'return withAdmission(current, id, admitted === undefined ? known : null);',
        replacement: 'return withAdmission(current, id, known);',
      },
    ],
  },
  {
    name: 'members change before the last change is committed',
    rule: 'members change one at a time, after an entry of the own term (thesis §4.1)',
    edits: [
      {
        file: 'actors/raft/changing.ts',
        text: 'return commitIndex >= leader.noopIndex && configurations.lastIndex <= commitIndex && handover === null;',
        replacement: 'return commitIndex >= 0 && handover === null;',
      },
    ],
  },
  {
    name: 'what a log admits is not cut off with it',
    rule: 'who counts is what the log says',
    edits: [
      {
        file: 'actors/raft/appending.ts',
        text: '      core.configurations.truncateAfter(logIndex(index - 1));\n',
        replacement: '',
      },
    ],
  },
  {
    name: 'what means the same in any term moves others to its own',
    rule: 'whoever says it may have stood in vain: an observer would be left in a term in which nobody leads',
    edits: [
      {
        file: 'actors/raft/step.ts',
        text: 'and no leader gives way to an observer.\n      return true;',
        replacement: 'and no leader gives way to an observer.\n      break;',
      },
    ],
  },
];

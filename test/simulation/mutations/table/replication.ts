/** Mutations of replication: what is appended, acknowledged, taken for matching, and cut off (Raft §5.3). */

import type { Edit, Mutation } from '../mutation.js';

const ANY_SESSION: Edit = {
  file: 'actors/raft/replication.ts',
  text: 'if (peer === undefined || peer.session !== message.session) return;',
  replacement: 'if (peer === undefined) return;',
};
const ANY_TERM: Edit = {
  file: 'actors/raft/step.ts',
  text: `    // What is committed is so in any term.
    case 'membersKnown':
      return true;`,
  replacement: `    case 'membersKnown':
    case 'appendEntriesReply':
      return true;`,
};
const ANY_ROUND: Edit = {
  file: 'actors/raft/replication.ts',
  text: '  if (message.round > leader.round) return;\n  peer.answered(message.round, core.nowMs);',
  replacement: '  peer.answered(Math.min(message.round, leader.round), core.nowMs);',
};

const ANY_WRITE: Edit = {
  file: 'actors/raft/roles/leader.ts',
  text: 'if (core.log.termAt(index) !== entryTerm || index <= role.durableIndex) return role;',
  replacement: 'if (entryTerm < 0 || index > core.log.lastIndex || index <= role.durableIndex) return role;',
};
const ASK_AT_ONCE: Edit = {
  file: 'actors/raft/voting.ts',
  text: `    core.afterStore.push({
      type: 'send',
      to,`,
  replacement: `    core.effects.push({
      type: 'send',
      to,`,
};

export const REPLICATION: readonly Mutation[] = [
  {
    name: 'entries are acknowledged before they are stored',
    rule: 'an entry is on the disk before it is acknowledged (figure 2)',
    edits: [
      {
        file: 'actors/raft/appending.ts',
        text: `  core.afterStore.push({ type: 'send', to: message.from, message: reply });
}

/** Does the later`,
        replacement: `  core.effects.push({ type: 'send', to: message.from, message: reply });
}

/** Does the later`,
      },
    ],
  },
  {
    name: 'a leader counts itself before its own disk',
    rule: 'a leader counts itself once its own disk has the entry (thesis §10.2.1)',
    edits: [
      {
        file: 'actors/raft/replication.ts',
        text: 'id === self ? leader.durableIndex :',
        replacement: 'id === self ? core.log.lastIndex :',
      },
    ],
  },
  {
    name: 'a write of a former leadership is counted',
    rule: 'what was written and replaced since is not there',
    covered: {
      by: 'a write of a former leadership is counted, and votes are asked for before the own one is stored',
      why: 'a disk stores in order: whoever leads again has stored its vote since then, and so all that it wrote before',
    },
    edits: [ANY_WRITE],
  },
  {
    name: 'a write of a former leadership is counted, and votes are asked for before the own one is stored',
    rule: 'what was written and replaced since is not there; a candidate has voted before it asks others (figure 2)',
    edits: [ANY_WRITE, ASK_AT_ONCE],
  },
  {
    name: 'all of the log is acknowledged, not what was compared',
    rule: 'a follower may have more than the leader has compared (§5.3)',
    edits: [
      {
        file: 'actors/raft/appending.ts',
        text: 'acknowledge(core, message, logIndex(Math.max(matchIndex, core.commitIndex)));',
        replacement: 'acknowledge(core, message, core.log.lastIndex);',
      },
    ],
  },
  {
    name: 'a follower commits what was not compared',
    rule: 'commitIndex is at most the last new entry (figure 2)',
    edits: [
      {
        file: 'actors/raft/appending.ts',
        text: 'advanceCommit(core, logIndex(Math.min(message.leaderCommit, matchIndex)));',
        replacement: 'advanceCommit(core, logIndex(Math.min(message.leaderCommit, core.log.lastIndex)));',
      },
    ],
  },
  {
    name: 'a late message takes the commit index back',
    rule: 'commitIndex never goes down (figure 2)',
    edits: [
      {
        file: 'actors/raft/appending.ts',
        text: 'if (index > core.commitIndex) core.commitIndex = index;',
        replacement: 'core.commitIndex = index;',
      },
    ],
  },
  {
    name: 'a late reply takes the match back',
    rule: 'matchIndex never goes down (figure 2)',
    edits: [
      {
        file: 'actors/raft/progress.ts',
        text: 'const isNews = index > this.matchIndex;',
        replacement: 'const isNews = index !== this.matchIndex;',
      },
    ],
  },
  {
    name: 'a refusal takes nextIndex back behind the match',
    rule: 'matchIndex < nextIndex',
    edits: [
      {
        file: 'actors/raft/progress.ts',
        text: 'this.nextIndex = logIndex(Math.max(nextIndex, this.matchIndex + 1));',
        replacement: 'this.nextIndex = nextIndex;',
      },
    ],
  },
  {
    name: 'the term before the entries is not compared',
    rule: 'the consistency check of appendEntries (§5.3)',
    edits: [
      {
        file: 'actors/raft/appending.ts',
        text: 'return index <= core.commitIndex || core.log.termAt(index) === term;',
        replacement: 'return index <= core.commitIndex || (term >= 0 && core.log.termAt(index) !== null);',
      },
    ],
  },
  {
    name: 'entries that match are cut off, and what is behind them',
    rule: 'only what conflicts is cut off (figure 2, step 3 of appendEntries)',
    edits: [
      {
        file: 'actors/raft/appending.ts',
        text: '    if (!isSame) {',
        replacement: '    if (!isSame || index > core.commitIndex) {',
      },
    ],
  },
  {
    name: 'entries that conflict are kept',
    rule: 'what conflicts is cut off (figure 2, step 3 of appendEntries)',
    edits: [
      {
        file: 'actors/raft/appending.ts',
        text: '    if (!isSame) {',
        replacement: '    if (!isSame && index < 0) {',
      },
    ],
  },
  {
    name: 'what is cut off stays on the disk',
    rule: 'the log on the disk is the log',
    edits: [
      {
        file: 'actors/raft/appending.ts',
        text: '      core.storedIndex = logIndex(Math.min(core.storedIndex, index - 1));\n',
        replacement: '',
      },
    ],
  },
  {
    name: 'a reply to another tracking of the peer is counted',
    rule: 'a reply names what it is a reply to',
    edits: [ANY_SESSION],
  },
  {
    name: 'a reply of an earlier term is counted',
    rule: 'a reply is of its term (§5.1)',
    covered: {
      by: 'a reply of an earlier term and to another tracking is counted',
      why: 'a peer is tracked under another session in each term, and a reply names the session',
    },
    edits: [ANY_TERM],
  },
  {
    name: 'a reply of an earlier term and to another tracking is counted',
    rule: 'a reply names what it is a reply to, and is of its term (§5.1)',
    edits: [ANY_SESSION, ANY_TERM, ANY_ROUND],
  },
  {
    name: 'acknowledgements of a former incarnation are counted',
    rule: 'whoever has lost its memory has nothing of what its former incarnation has acknowledged',
    edits: [
      {
        file: 'actors/raft/roles/leader.ts',
        text: '      role.peers.set(id, newProgress(core));\n      startRound(core, role);\n    } else',
        replacement: '      startRound(core, role);\n    } else',
      },
    ],
  },
];

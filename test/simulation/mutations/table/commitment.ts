/** Mutations of commitment: which acknowledgements make an entry last (Raft §5.4.2). */

import type { Mutation } from '../mutation.js';

export const COMMITMENT: readonly Mutation[] = [
  {
    name: 'entries of earlier terms are committed by counting',
    rule: 'figure 8: only entries of the own term are (§5.4.2)',
    edits: [
      {
        file: 'actors/raft/replication.ts',
        text: 'if (index > core.commitIndex && core.log.termAt(index) === core.term) core.commitIndex = index;',
        replacement: 'if (index > core.commitIndex) core.commitIndex = index;',
      },
    ],
  },
  {
    name: 'one acknowledgement too few commits',
    rule: 'every commit quorum shares a voter with every election quorum (§5.4)',
    edits: [
      {
        file: 'actors/raft/quorum.ts',
        text: 'return new SizedQuorum(voters, size, size);',
        replacement: 'return new SizedQuorum(voters, size, size - 1);',
      },
    ],
  },
  {
    name: 'half of the nodes are taken for a majority',
    rule: 'a majority is more than half (§5.2)',
    edits: [
      {
        file: 'actors/raft/quorum.ts',
        text: 'const size = Math.floor(voters.length / 2) + 1;',
        replacement: 'const size = Math.ceil(voters.length / 2);',
      },
    ],
  },
  {
    name: 'an observer is counted',
    rule: 'only voters are counted (thesis §4.2.1)',
    edits: [
      {
        file: 'actors/raft/replication.ts',
        text: 'const index = logIndex(committedIndex(electors, matchOf, isCommitQuorum));',
        replacement: `const everyone = [...new Set([...electors, ...core.connected])];
  const anyMatch = (id: typeof self): number =>
    electors.includes(id) ? matchOf(id) : (leader.peers.get(id)?.matchIndex ?? 0);
  const isEnough = (ids: ReadonlySet<typeof self>): boolean => ids.size > electors.length / 2;
  const index = logIndex(committedIndex(everyone, anyMatch, isEnough));`,
      },
    ],
  },
];

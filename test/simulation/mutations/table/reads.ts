/** Mutations of reading without writing (Raft thesis §6.4), and of the lease (§6.4.1). */

import type { Mutation } from '../mutation.js';

export const READS: readonly Mutation[] = [
  {
    name: 'a leader reads without asking a quorum',
    rule: 'a leader confirms that it leads before it reads (thesis §6.4)',
    edits: [
      { file: 'actors/raft/reading.ts', text: 'if (read.lease && hasLease) {', replacement: 'if (hasLease || true) {' },
    ],
  },
  {
    name: 'one answer too few confirms a round',
    rule: 'a quorum confirms that a leader leads (thesis §6.4)',
    edits: [
      {
        file: 'actors/raft/replication.ts',
        text: 'confirmRound(leader, committedIndex(electors, roundOf, isCommitQuorum));',
        replacement: `const isAlmost = (ids: ReadonlySet<typeof self>): boolean => ids.size >= Math.floor(electors.length / 2);
  confirmRound(leader, committedIndex(electors, roundOf, isAlmost));`,
      },
    ],
  },
  {
    name: 'a read takes the round that is under way',
    rule: 'a round that was begun before the read says nothing of it (thesis §6.4)',
    edits: [
      {
        file: 'actors/raft/reading.ts',
        text: 'read.ticket = leader.round + 1;',
        replacement: 'read.ticket = leader.round;',
      },
    ],
  },
  {
    name: 'a new leader reads before its first entry is committed',
    rule: 'a leader knows what is committed once an entry of its own is (§8)',
    edits: [
      {
        file: 'actors/raft/reading.ts',
        text: '  if (core.commitIndex < leader.noopIndex) return;\n',
        replacement: '',
      },
    ],
  },
  {
    name: 'a read does not wait until its index is applied',
    rule: 'a read waits for its index (thesis §6.4, step 4)',
    edits: [
      {
        file: 'actors/replicated/machine-actor.ts',
        text: 'if (this.#machine !== null && message.index <= this.#machine.appliedIndex) this.#query(message);',
        replacement: 'if (this.#machine !== null) this.#query(message);',
      },
    ],
  },
  {
    name: 'a local read does not wait for what was seen',
    rule: 'what one client is told never goes back',
    edits: [
      {
        file: 'actors/replicated/caller.ts',
        text: "{ type: 'runQueries', queryId, index: this.#seenIndex, block: bytes }",
        replacement: "{ type: 'runQueries', queryId, index: logIndex(0), block: bytes }",
      },
    ],
  },
  {
    name: 'a lease lasts as long as voters wait',
    rule: 'a lease allows for clocks that run apart (thesis §6.4.1)',
    edits: [
      { file: 'actors/raft/reading.ts', text: 'const LEASE_FRACTION = 0.9;', replacement: 'const LEASE_FRACTION = 1;' },
    ],
  },
  {
    name: 'a lease begins when its round is confirmed',
    rule: 'a lease begins when its round does (thesis §6.4.1)',
    edits: [
      {
        file: 'actors/raft/replication.ts',
        text: 'leader.quorumRoundStartedAtMs = leader.roundsStartedAtMs[confirmed - 1]!;',
        replacement:
          'leader.quorumRoundStartedAtMs = Math.max(leader.nextHeartbeatMs, leader.roundsStartedAtMs[confirmed - 1]!);',
      },
      {
        file: 'actors/raft/reading.ts',
        text: '  if (core.wallMs >= leader.quorumRoundStartedAtWallMs + leaseMs) return false;\n',
        replacement: '',
      },
    ],
  },
  {
    name: 'a lease goes by the clock that stands still in a suspended machine',
    rule: 'while a machine is suspended others elect, and only its calendar goes on',
    edits: [
      {
        file: 'actors/raft/reading.ts',
        text: '  if (core.wallMs >= leader.quorumRoundStartedAtWallMs + leaseMs) return false;\n',
        replacement: '',
      },
    ],
  },
  {
    name: 'a leader keeps its lease while it hands leadership over',
    rule: 'whoever was told to campaign at once is voted for in spite of the lease (thesis §6.4.1)',
    edits: [
      {
        file: 'actors/raft/reading.ts',
        text: '  if (core.handover !== null || leader.isLeaseVoid) return false;\n',
        replacement: '',
      },
    ],
  },
  {
    name: 'a lease comes back when a handover is given up',
    rule: 'whoever was told to campaign at once may do so later',
    edits: [{ file: 'actors/raft/handover.ts', text: '  leader.isLeaseVoid = true;\n', replacement: '' }],
  },
];

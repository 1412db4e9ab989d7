/**
 * Mutations of changes of members: joint consensus, learners, whose configuration is in effect (Raft §6, thesis §4).
 */

import type { Mutation } from '../mutation.js';

export const MEMBERSHIP: readonly Mutation[] = [
  {
    name: 'voters change without C_old,new',
    rule: 'two sets of voters take turns by way of joint consensus (§6)',
    edits: [
      {
        file: 'actors/raft/configuration-steps.ts',
        text: 'return configurationOf({ ...configuration, voters, old: { voters: oldVoters, rule }, admitted });',
        replacement: `const left = new Map([...admitted].filter(([id]) => voters.includes(id)));
  return configurationOf({ ...configuration, voters, old: null, admitted: left });`,
      },
    ],
  },
  {
    name: 'C_old,new commits by the new set alone',
    rule: 'it takes majorities of both sets to commit (§6)',
    edits: [
      {
        file: 'actors/raft/quorum.ts',
        text: 'isCommitQuorum: (ids) => old.isCommitQuorum(ids) && next.isCommitQuorum(ids),',
        replacement: 'isCommitQuorum: (ids) => next.isCommitQuorum(ids),',
      },
    ],
  },
  {
    name: 'C_old,new commits by the old set alone',
    rule: 'it takes majorities of both sets to commit (§6)',
    edits: [
      {
        file: 'actors/raft/quorum.ts',
        text: 'isCommitQuorum: (ids) => old.isCommitQuorum(ids) && next.isCommitQuorum(ids),',
        replacement: 'isCommitQuorum: (ids) => old.isCommitQuorum(ids),',
      },
    ],
  },
  {
    name: 'C_old,new elects by the new set alone',
    rule: 'it takes majorities of both sets to elect (§6)',
    edits: [
      {
        file: 'actors/raft/quorum.ts',
        text: 'isElectionQuorum: (ids) => old.isElectionQuorum(ids) && next.isElectionQuorum(ids),',
        replacement: 'isElectionQuorum: (ids) => next.isElectionQuorum(ids),',
      },
    ],
  },
  {
    name: 'C_old,new elects by the old set alone',
    rule: 'it takes majorities of both sets to elect (§6)',
    edits: [
      {
        file: 'actors/raft/quorum.ts',
        text: 'isElectionQuorum: (ids) => old.isElectionQuorum(ids) && next.isElectionQuorum(ids),',
        replacement: 'isElectionQuorum: (ids) => old.isElectionQuorum(ids),',
      },
    ],
  },
  {
    name: 'a learner gets a vote before it has caught up',
    rule: 'a new voter has caught up before it counts (thesis §4.2.1)',
    edits: [
      {
        file: 'actors/raft/changing.ts',
        text: '    if (!hasCaughtUp(core, leader, learner)) continue;\n',
        replacement: '',
      },
    ],
  },
  {
    name: 'who is added again catches up where it was removed',
    rule: 'a new voter has caught up since it was added (thesis §4.2.1)',
    edits: [
      {
        file: 'actors/raft/changing.ts',
        text: 'else if (!configurations.current.learners.some((learner) => learner.id === id)) peer.catchUp = null;',
        replacement: '',
      },
    ],
  },
  {
    name: 'what a learner has is counted',
    rule: 'learners count for nothing (thesis §4.2.1)',
    edits: [
      {
        file: 'actors/raft/replication.ts',
        text: 'const index = logIndex(committedIndex(electors, matchOf, isCommitQuorum));',
        replacement: `const { learners } = core.configurations.current;
  const everyone = [...electors, ...learners.map(({ id }) => id)];
  const anyMatch = (id: typeof self): number =>
    electors.includes(id) ? matchOf(id) : (leader.peers.get(id)?.matchIndex ?? 0);
  const isEnough = (ids: ReadonlySet<typeof self>): boolean =>
    learners.length === 0 ? isCommitQuorum(ids) : ids.size > everyone.length / 2;
  const index = logIndex(committedIndex(everyone, anyMatch, isEnough));`,
      },
    ],
  },
  {
    name: 'a configuration takes effect when it is committed',
    rule: 'a node uses the latest configuration in its log, committed or not (§6)',
    edits: [
      {
        file: 'actors/raft/configurations.ts',
        text: `    this.#current = decodeConfiguration(payload);
    this.#changes.push({ index, configuration: this.#current });
  }
`,
        replacement: `    const configuration = decodeConfiguration(payload);
    if (!this.isFounded) this.#current = configuration;
    this.#changes.push({ index, configuration });
  }

  committed(index: LogIndex): void {
    this.#current = this.at(index) ?? this.#current;
  }
`,
      },
      {
        file: 'actors/raft/replication.ts',
        text: 'if (index > core.commitIndex && core.log.termAt(index) === core.term) core.commitIndex = index;',
        replacement: `if (index > core.commitIndex && core.log.termAt(index) === core.term) {
    core.commitIndex = index;
    core.configurations.committed(index);
  }`,
      },
      {
        file: 'actors/raft/appending.ts',
        text: 'if (index > core.commitIndex) core.commitIndex = index;',
        replacement: `if (index > core.commitIndex) {
    core.commitIndex = index;
    core.configurations.committed(index);
  }`,
      },
    ],
  },
  {
    name: 'a snapshot says who the members were at first',
    rule: 'a snapshot has the latest configuration up to its last entry (§7)',
    edits: [
      {
        file: 'actors/replicated/machine.ts',
        text: 'this.#configuration = entries.slice(reader.payloadStart, reader.payloadEnd);',
        replacement: 'this.#configuration ??= entries.slice(reader.payloadStart, reader.payloadEnd);',
      },
    ],
  },
  {
    name: 'a snapshot takes the place of a newer configuration in the log',
    rule: 'a node uses the latest configuration in its log (§6), also where a snapshot ends before it',
    edits: [
      {
        file: 'actors/raft/snapshots.ts',
        text: `      core.log.dropTo(lastIncludedIndex);
      core.configurations.dropTo(lastIncludedIndex);`,
        replacement: `      core.log.dropTo(lastIncludedIndex);
      core.configurations.resetTo(configuration);`,
      },
    ],
  },
  {
    name: 'a node goes by the configuration before when the log is shortened',
    rule: 'a node uses the latest configuration in its log, or that of the snapshot which it begins behind (§6, §7)',
    edits: [
      {
        file: 'actors/raft/configurations.ts',
        text: '    this.#base = dropped.configuration;\n',
        replacement:
          '    this.#base = this.#base ?? dropped.configuration;\n    this.#current = this.#base ?? this.#current;\n',
      },
    ],
  },
  {
    name: 'a second change is begun while one is under way',
    rule: 'one change at a time: each once the one before is committed (§6)',
    edits: [
      {
        file: 'actors/raft/changing.ts',
        text: "const next = isFree(core, leader) ? changed(core, leader, change.add, change.remove) : 'under way';",
        replacement: 'const next = changed(core, leader, change.add, change.remove);',
      },
      {
        file: 'actors/raft/changing.ts',
        text: "  assert(configurations.lastIndex <= commitIndex, 'one change at a time');\n",
        replacement: '',
      },
    ],
  },
  {
    name: 'C_new follows before C_old,new is committed',
    rule: 'C_new is made once C_old,new is committed (§6)',
    edits: [
      {
        file: 'actors/raft/changing.ts',
        text: '  if (!isFree(core, leader)) return;\n',
        replacement: '  if (!isFree(core, leader) && core.configurations.current.old === null) return;\n',
      },
      {
        file: 'actors/raft/changing.ts',
        text: "  assert(configurations.lastIndex <= commitIndex, 'one change at a time');\n",
        replacement: '',
      },
    ],
  },
  {
    name: 'members change before the leader has committed anything',
    rule: 'a leader changes members once an entry of its own term is committed (thesis §4.1)',
    edits: [
      {
        file: 'actors/raft/changing.ts',
        text: 'return commitIndex >= leader.noopIndex && configurations.lastIndex <= commitIndex && handover === null;',
        replacement: 'return leader.noopIndex > 0 && configurations.lastIndex <= commitIndex && handover === null;',
      },
    ],
  },
  {
    name: 'a leader that was left out leads on',
    rule: 'a leader that is not in C_new steps down once that is committed (§6)',
    edits: [
      {
        file: 'actors/raft/changing.ts',
        text: 'return !isVoter(configurations.current, options.self) && configurations.lastIndex <= commitIndex;',
        replacement:
          'return !isVoter(configurations.current, options.self) && configurations.lastIndex < 0 && commitIndex < 0;',
      },
    ],
  },
  {
    name: 'a leader that was left out counts itself',
    rule: 'a leader that is not in C_new does not count itself (§6)',
    edits: [
      {
        file: 'actors/raft/replication.ts',
        text: '  const isCommitQuorum = (ids: ReadonlySet<typeof self>): boolean => quorum.isCommitQuorum(ids);\n',
        replacement: `  const isCommitQuorum = (ids: ReadonlySet<typeof self>): boolean => {
    const stoodInFor = electors.includes(self) ? undefined : electors.find((id) => !ids.has(id));
    return quorum.isCommitQuorum(stoodInFor === undefined ? ids : new Set([...ids, stoodInFor]));
  };
`,
      },
    ],
  },
  {
    name: 'a node that has no vote campaigns',
    rule: 'those who were removed do not disturb the others (§6)',
    edits: [
      {
        file: 'actors/raft/admitting.ts',
        text: '  return isNeededStill(core);\n',
        replacement: '  return isNeededStill(core) || configurations.isFounded;\n',
      },
    ],
  },
  {
    name: 'nobody campaigns who is left out by what is not committed',
    rule: 'a node that is not in its latest configuration still campaigns where no other could be elected (thesis §4.2.2)',
    edits: [
      {
        file: 'actors/raft/admitting.ts',
        text: '  return isNeededStill(core);\n',
        replacement: '  return isNeededStill(core) && !configurations.isFounded;\n',
      },
    ],
  },
  {
    name: 'after a restart, options say who the members are',
    rule: 'who the members are is what the log says (§6)',
    edits: [
      {
        file: 'actors/raft/state.ts',
        text: 'for (const index of log.configurationIndexes) configurations.appended(index, log.entry(index).payload);',
        replacement: `const told = { ...options.configuration, admitted: configurations.current.admitted };
  for (const index of log.configurationIndexes) configurations.appended(index, log.entry(index).payload);
  if (options.configuration.voters.length > 0 && configurations.isFounded) {
    configurations.resetTo({ ...told, admitted: configurations.current.admitted });
  }`,
      },
    ],
  },
  {
    name: 'a change is reported as done when it is begun',
    rule: 'an acknowledgement is a promise',
    edits: [
      {
        file: 'node/members.ts',
        text: '        if (await comesAbout(this.#port, { term, deadlineMs, isDone, tooLate })) return;\n',
        replacement: '        if (begun >= 0) return;\n',
      },
    ],
  },
  {
    name: 'a change is reported as done before it is committed',
    rule: 'an acknowledgement is a promise',
    edits: [
      {
        file: 'node/members.ts',
        text: '  if (status === null || status.isChanging || status.commitIndex < index) return false;',
        replacement: '  if (status === null || status.commitIndex < index) return false;',
      },
    ],
  },
  {
    name: 'a node stops as soon as its log leaves it out',
    rule: 'a configuration may be cut off again: only what is committed lasts (§6)',
    edits: [
      {
        file: 'actors/raft/appending.ts',
        text: '  if (configurations.lastIndex > commitIndex || leaderCommit > commitIndex) return;\n',
        replacement: '  if (leaderCommit < 0 || commitIndex < 0) return;\n',
      },
    ],
  },
  {
    name: 'a change is reported as done by a node that does not know the log up to it',
    rule: 'an acknowledgement is a promise',
    edits: [
      {
        file: 'node/members.ts',
        text: 'if (status === null || status.isChanging || status.commitIndex < index) return false;',
        replacement: 'if (status === null || status.isChanging || index < 0) return false;',
      },
    ],
  },
  {
    name: 'one that has lost its memory is let in by the last round that it has answered',
    rule: 'whoever comes back is let in once a quorum has answered since it came, also where it always answers first',
    edits: [
      {
        file: 'actors/raft/changing.ts',
        text: 'const { firstAckedRound } = leader.peers.get(id)!;',
        replacement: 'const { ackedRound: firstAckedRound } = leader.peers.get(id)!;',
      },
    ],
  },
];

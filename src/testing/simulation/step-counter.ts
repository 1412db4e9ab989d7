/** Counts what happens inside of nodes, and tells the trace of what a reader wants to know of. */

import type { RaftMessage } from '../../actors/raft/messages.js';
import type { Core, RoleName } from '../../actors/raft/state.js';
import type { Verdict } from '../../actors/replicated/session-table.js';
import type { NodeId } from '../../ids.js';
import type { NodeMessage } from '../../net/transport.js';
import { StatedConfiguration } from './checkers/stated-configuration.js';
import { whoMoved } from './operator/who-moved.js';
import type { Coverage } from './coverage.js';
import type { Trace } from './trace.js';

interface Known {
  role: RoleName;
  term: number;
  commitIndex: number;
}

const ELECTIONS: Readonly<Partial<Record<RoleName, string>>> = {
  preCandidate: 'pre-votes asked for',
  candidate: 'campaigns',
  leader: 'leaders elected',
  receivingSnapshot: 'snapshots received',
};
const VERDICTS: Readonly<Partial<Record<Verdict, string>>> = {
  duplicate: 'blocks skipped as duplicates',
  gap: 'blocks refused for a gap',
  'unknown session': 'blocks refused for their session',
};

export class StepCounter {
  readonly #coverage: Coverage;
  readonly #trace: Trace | null;
  readonly #known = new Map<Core, Known>();
  /** The last configuration that was counted, and where it stands. */
  #stated: StatedConfiguration | null = null;
  #statedIndex = 0;

  constructor(coverage: Coverage, trace: Trace | null) {
    this.#coverage = coverage;
    this.#trace = trace;
  }

  stepped(label: string, core: Core, message: RaftMessage): void {
    const { role, term } = core;
    let known = this.#known.get(core);
    if (known === undefined) {
      known = { role: 'follower', term, commitIndex: 0 };
      this.#known.set(core, known);
    }
    if (role.name !== known.role) {
      const event = ELECTIONS[role.name];
      if (event !== undefined) this.#coverage.count(event);
      if (known.role === 'leader') this.#coverage.count('leaders stepped down');
      this.#trace?.add(label, `${role.name} in term ${term}`);
      known.role = role.name;
    }
    if (message.type === 'requestPreVoteReply' && !message.voteGranted) this.#coverage.count('pre-votes refused');
    if (message.type === 'snapshotInstalled') this.#coverage.count('snapshots installed');
    if (core.commitIndex > known.commitIndex) this.#committed(label, core, known);
  }

  sent(from: NodeId, { type }: NodeMessage): void {
    if (type === 'timeoutNow') {
      this.#coverage.count('leadership handed over');
      this.#trace?.add(from, 'hands leadership over');
    }
  }

  applied(verdict: Verdict | null): void {
    const event = verdict === null ? undefined : VERDICTS[verdict];
    if (event !== undefined) this.#coverage.count(event);
  }

  #committed(label: string, { log, commitIndex, options }: Core, known: Known): void {
    known.commitIndex = commitIndex;
    for (const index of log.configurationIndexes) {
      if (index > commitIndex || index <= this.#statedIndex) continue;
      const before = this.#stated;
      this.#statedIndex = index;
      this.#stated = new StatedConfiguration(log.entry(index).payload);
      this.#coverage.count(whatHappened(before, this.#stated));
      for (const event of whoMoved(before, this.#stated)) this.#coverage.count(event);
      // Whoever commits it is the first to know.
      if (before?.isMember(options.self) === true && !this.#stated.isMember(options.self)) {
        this.#coverage.count('leaders removed');
      }
      this.#trace?.add(label, `has committed who counts: ${this.#stated.words}`);
    }
  }
}

function whatHappened(before: StatedConfiguration | null, after: StatedConfiguration): string {
  if (before === null) return 'clusters founded';
  if (after.oldVoters !== null) return 'joint configurations';
  if (before.oldVoters !== null) return 'joint configurations left';
  const change = after.admitted.size - before.admitted.size;
  return change < 0 ? 'incarnations retired' : change > 0 ? 'incarnations admitted' : 'learners changed';
}

/** What the shell may know of a core's state: a small copy, for status and events. */

import { counts, isMemoryLost } from './admitting.js';
import { isVoter } from './configuration.js';
import type { LogIndex, NodeId, Term } from '../../ids.js';
import type { Core, RoleName } from './state.js';

export interface CoreStatus {
  readonly role: RoleName;
  readonly term: Term;
  readonly leader: NodeId | null;
  readonly lastIndex: LogIndex;
  readonly commitIndex: LogIndex;
  /** Has a leader been heard from, or has this leader reached a quorum, within the longest election timeout? */
  readonly hasQuorum: boolean;
  /** Has the log admitted anybody? */
  readonly isFounded: boolean;
  /**
   * Do too many of the others remember nothing for any to be elected, and has no leader been heard from for so long that
   * there can be none?
   */
  readonly isMemoryLost: boolean;
  /** All members by the configuration in effect, voters first. */
  readonly members: readonly GroupMember[];
  /** Is it not committed, or are two sets of voters needed? */
  readonly isChanging: boolean;
  /** Does this node count, as far as its log says? True of one that has no vote. */
  readonly isAdmitted: boolean;
  /** The version of the objects' code that is in force where this node's objects are. */
  readonly codeVersion: number;
}

export interface GroupMember {
  readonly id: NodeId;
  readonly role: 'voter' | 'learner';
}

/** In so many election timeouts there would be a leader, if the others had any of whom this node does not know. */
const LEADERLESS_TIMEOUTS = 5;

export function statusOf(core: Core): CoreStatus {
  const { role, term, leader, log, commitIndex, nowMs } = core;
  const { current } = core.configurations;
  const contactMs = role.name === 'leader' ? role.quorumRoundStartedAtMs : core.leaderContactMs;
  const hasQuorum = leader !== null && nowMs - contactMs <= core.options.electionTimeoutMs[1];
  return {
    role: role.name,
    term,
    leader,
    lastIndex: log.lastIndex,
    commitIndex,
    hasQuorum,
    isFounded: core.configurations.isFounded,
    isMemoryLost: nowMs - contactMs > LEADERLESS_TIMEOUTS * core.options.electionTimeoutMs[1] && isMemoryLost(core),
    members: [
      ...current.electors.map((id): GroupMember => ({ id, role: 'voter' })),
      ...current.learners.map(({ id }): GroupMember => ({ id, role: 'learner' })),
    ],
    isChanging: current.old !== null || core.configurations.lastIndex > commitIndex,
    isAdmitted: !isVoter(current, core.options.self) || counts(core, core.options.self),
    codeVersion: core.codeVersion,
  };
}

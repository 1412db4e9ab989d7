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
  /** Does this node count, as far as its log says? True of one that has no vote. */
  readonly isAdmitted: boolean;
}

/** In so many election timeouts there would be a leader, if the others had any of whom this node does not know. */
const LEADERLESS_TIMEOUTS = 5;

export function statusOf(core: Core): CoreStatus {
  const { role, term, leader, log, commitIndex, nowMs } = core;
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
    isAdmitted: !isVoter(core.configurations.current, core.options.self) || counts(core, core.options.self),
  };
}

/** What the shell may know of a core's state: a small copy, for status and events. */

import { counts } from './admitting.js';
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
  /** Does this node count, as far as its log says? True of one that has no vote. */
  readonly isAdmitted: boolean;
}

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
    isFounded: core.admissions.isFounded,
    isAdmitted: !core.isVoter || counts(core, core.options.self),
  };
}

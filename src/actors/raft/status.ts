/** What the shell may know of a core's state: a small copy, for status and events. */

import { counts, isMemoryLost } from './admitting.js';
import { isVoter } from './configuration.js';
import { isObserverId, logIndex, type LogIndex, type NodeId, type Term } from '../../ids.js';
import type { Progress } from './progress.js';
import type { Core, RoleName } from './state.js';

export interface CoreStatus {
  readonly role: RoleName;
  readonly term: Term;
  readonly leader: NodeId | null;
  /** The first entry that the log holds; `lastIndex + 1` when it holds none. */
  readonly firstIndex: LogIndex;
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
  /** The highest commit index that a leader is known to have had. */
  readonly leaderCommitIndex: LogIndex;
  /** All members by the configuration in effect, voters first. */
  readonly members: readonly GroupMember[];
  /** How far the others are, as only a leader knows; null: this node does not lead. */
  readonly progress: readonly PeerProgress[] | null;
  /** The observers that are connected to this node. */
  readonly observers: readonly NodeId[];
  /** Is it not committed, or are two sets of voters needed? */
  readonly isChanging: boolean;
  /** Does this node count, as far as its log says? True of one that has no vote. */
  readonly isAdmitted: boolean;
}

export interface GroupMember {
  readonly id: NodeId;
  readonly role: 'voter' | 'learner';
}

/** How far a peer's log is, as its leader knows. */
export interface PeerProgress {
  readonly id: NodeId;
  /** Its log equals the leader's up to here. */
  readonly matchIndex: LogIndex;
  /** The next entry to be sent to it. */
  readonly nextIndex: LogIndex;
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
    firstIndex: log.firstIndex,
    lastIndex: log.lastIndex,
    commitIndex,
    leaderCommitIndex: logIndex(Math.max(commitIndex, core.leaderCommitIndex)),
    hasQuorum,
    isFounded: core.configurations.isFounded,
    isMemoryLost: nowMs - contactMs > LEADERLESS_TIMEOUTS * core.options.electionTimeoutMs[1] && isMemoryLost(core),
    members: [
      ...current.electors.map((id): GroupMember => ({ id, role: 'voter' })),
      ...current.learners.map(({ id }): GroupMember => ({ id, role: 'learner' })),
    ],
    progress: role.name === 'leader' ? Array.from(role.peers.values(), progressOf) : null,
    observers: [...core.connected].filter(isObserverId),
    isChanging: current.old !== null || core.configurations.lastIndex > commitIndex,
    isAdmitted: !isVoter(current, core.options.self) || counts(core, core.options.self),
  };
}

function progressOf({ id, matchIndex, nextIndex }: Progress): PeerProgress {
  return { id, matchIndex, nextIndex };
}

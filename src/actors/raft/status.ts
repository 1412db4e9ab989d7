/** What the shell may know of a core's state: a small copy, for status and events. */

import { counts, isMemoryLost } from './admitting.js';
import { isVoter } from './configuration.js';
import { isObserverId, logIndex, type LogIndex, type NodeId, type Term } from '../../ids.js';
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
   * Do too many of the others remember nothing for any to be elected, and has no leader been heard from for so long
   * that there can be none?
   */
  readonly isMemoryLost: boolean;
  /** The highest commit index that a leader is known to have had. */
  readonly leaderCommitIndex: LogIndex;
  /** Has the leader itself said so within the longest election timeout? One that offers a snapshot may not have yet. */
  readonly isCommitKnown: boolean;
  /** All members by the configuration in effect, voters first. */
  readonly members: readonly GroupMember[];
  /** The observers that are connected to this node. */
  readonly observers: readonly NodeId[];
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
  /** Null where this node does not lead, and so does not know. */
  readonly progress: MemberProgress | null;
}

/** How far a member is, as its leader knows it. */
export interface MemberProgress {
  /** What it is known to have of the log, and to keep. */
  readonly matchIndex: LogIndex;
  /** The next entry to be sent to it; null: it is the leader. */
  readonly nextIndex: LogIndex | null;
  /** When it last answered this leader, in milliseconds since 1970; null: it has not yet, or is the leader. */
  readonly lastContactAtMs: number | null;
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
    isCommitKnown: role.name === 'leader' || nowMs - core.leaderCommitMs <= core.options.electionTimeoutMs[1],
    hasQuorum,
    isFounded: core.configurations.isFounded,
    isMemoryLost: nowMs - contactMs > LEADERLESS_TIMEOUTS * core.options.electionTimeoutMs[1] && isMemoryLost(core),
    members: groupMembers(core),
    observers: observersOf(core),
    isChanging: current.old !== null || core.configurations.lastIndex > commitIndex,
    isAdmitted: !isVoter(current, core.options.self) || counts(core, core.options.self),
    codeVersion: core.codeVersion,
  };
}

function groupMembers(core: Core): GroupMember[] {
  const { electors, learners } = core.configurations.current;
  const members: GroupMember[] = [];
  for (const id of electors) members.push({ id, role: 'voter', progress: progressOf(core, id) });
  for (const { id } of learners) members.push({ id, role: 'learner', progress: progressOf(core, id) });
  return members;
}

function observersOf({ connected }: Core): NodeId[] {
  const observers: NodeId[] = [];
  for (const id of connected) if (isObserverId(id)) observers.push(id);
  return observers;
}

function progressOf({ role, options, nowMs, wallMs }: Core, id: NodeId): MemberProgress | null {
  if (role.name !== 'leader') return null;
  if (id === options.self) return { matchIndex: role.durableIndex, nextIndex: null, lastContactAtMs: null };
  const peer = role.peers.get(id);
  if (peer === undefined) return null;
  const { matchIndex, nextIndex, ackedAtMs } = peer;
  const lastContactAtMs = ackedAtMs === -Infinity ? null : Math.round(wallMs - (nowMs - ackedAtMs));
  return { matchIndex, nextIndex, lastContactAtMs };
}

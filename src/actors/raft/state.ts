/**
 * The state of one node in one Raft group (Raft figure 2), with what only one role has kept in that role's record, so
 * that a follower cannot read what only a leader knows. Plain data: `step` is the only one to change it.
 */

import {
  logIndex,
  term,
  type GroupId,
  type Incarnation,
  type LastIncluded,
  type LogIndex,
  type NodeId,
  type Term,
} from '../../ids.js';
import type { Asked, AskedTransfer, TransferAsker } from './asking-leader.js';
import { isMember, type Configuration } from './configuration.js';
import { Configurations } from './configurations.js';
import type { DurableEffect, Effect, HardState } from './effects.js';
import { PendingReads } from './pending-reads.js';
import type { Progress } from './progress.js';
import { RaftLog } from './raft-log.js';
import type { Content } from './entry.js';
import { Submissions } from './submissions.js';

export interface CoreOptions {
  readonly group: GroupId;
  readonly self: NodeId;
  /** Names what this node remembers: new for a node that has forgotten. */
  readonly incarnation: Incarnation;
  /** What the group is founded with, if it is not yet; `NOBODY` for a node that founds none, but joins one. */
  readonly configuration: Configuration;
  /**
   * A follower campaigns when it has heard from no leader for a time drawn from this range. The minimum is also how
   * long a node that has heard from a leader refuses to vote, and the basis of the leader's lease.
   */
  readonly electionTimeoutMs: readonly [min: number, max: number];
  /** How often a leader starts a round. At most a third of the minimal election timeout. */
  readonly heartbeatMs: number;
  /** The highest version of the objects' code that this node has. */
  readonly codeVersionMax: number;
  /** As leader, raise the version that is in force as soon as everybody has code of a higher one. */
  readonly autoCodeVersion: boolean;
  /** Where randomised timeouts come from. */
  readonly random: { uint32(): number };
  readonly limits: CoreLimits;
}

export interface CoreLimits {
  /** appendEntries on their way to one peer. */
  readonly inflightMessagesMax: number;
  readonly inflightBytesMax: number;
  /** Entries in one appendEntries, unless one entry is larger. */
  readonly appendBytesMax: number;
  /** Own submissions that have been sent and not seen applied. */
  readonly submissionBytesInflightMax: number;
}

export interface Follower {
  readonly name: 'follower';
}

/** All followers are alike. */
export const FOLLOWER: Follower = { name: 'follower' };

/** Asks whether a campaign would succeed, without disturbing anyone (thesis §9.6). */
export interface PreCandidate {
  readonly name: 'preCandidate';
  /** Who would vote for this node, and in which incarnation. */
  readonly granted: Map<NodeId, Incarnation>;
}

export interface Candidate {
  readonly name: 'candidate';
  /** Who has voted for this node, and in which incarnation. */
  readonly granted: Map<NodeId, Incarnation>;
}

export interface Leader {
  readonly name: 'leader';
  /** Everyone but the leader itself: voters, learners and observers. */
  readonly peers: Map<NodeId, Progress>;
  /** The entry that this leader began its term with. Until it is committed nothing may be read (§8). */
  readonly noopIndex: LogIndex;
  /** The highest code version that this leader has appended; 0: none. */
  codeVersion: number;
  /** The leader's own log is durable up to here. */
  durableIndex: LogIndex;
  /** Counts the times that the leader asked its peers "am I still leader?". */
  round: number;
  /** When each round that no quorum has answered yet was started; the first one is `quorumRound + 1`. */
  roundsStartedAtMs: number[];
  /** The same by the calendar clock. */
  roundsStartedAtWallMs: number[];
  /** A commit quorum has answered this round, hence recognised this leader when it was started or later. */
  quorumRound: number;
  quorumRoundStartedAtMs: number;
  quorumRoundStartedAtWallMs: number;
  nextHeartbeatMs: number;
  /** An acknowledgement came in: commit index and quorum round are to be looked at. */
  hasNewAcks: boolean;
  /** Time has passed since the last flush. */
  hasTicked: boolean;
  /** A peer was told to campaign at once, and may yet do so: the lease of this term is void. */
  isLeaseVoid: boolean;
  /** Questions of followers, waiting for their round. */
  remoteReads: RemoteRead[];
  /** Forwarded while leadership is being handed over: appended if that fails. */
  held: { readonly from: NodeId; readonly content: Content }[];
  heldBytes: number;
}

export interface RemoteRead {
  readonly from: NodeId;
  readonly readId: number;
  readonly lease: boolean;
  ticket: number | null;
  index: LogIndex | null;
}

/** A follower that is being given a snapshot. */
export interface ReceivingSnapshot {
  readonly name: 'receivingSnapshot';
  readonly from: NodeId;
  readonly session: number;
  readonly round: number;
  readonly lastIncludedIndex: LogIndex;
}

export type Role = Follower | PreCandidate | Candidate | Leader | ReceivingSnapshot;
export type RoleName = Role['name'];

/** Leadership that is being handed over by this node. */
export interface Handover {
  readonly target: NodeId;
  /** In which this node led when it began to hand over. */
  readonly term: Term;
  readonly deadlineMs: number;
  readonly asker: TransferAsker;
  isTimeoutNowSent: boolean;
}

export interface Core {
  readonly options: CoreOptions;
  readonly log: RaftLog;
  /** Follows the log, from what the snapshot says that the log begins behind. */
  readonly configurations: Configurations;
  /** The incarnation of each member that was ever connected and of whoever else is, as its last connection said. */
  readonly incarnations: Map<NodeId, Incarnation>;
  /** The highest code version that each of these has, as its last connection said. */
  readonly codeVersions: Map<NodeId, number>;
  /** Those that are connected now. */
  readonly connected: Set<NodeId>;
  /** The code version that is in force where the objects are. Never goes down. */
  codeVersion: number;
  /** Who the members are, as those were last told that are connected and none of them, and when. */
  readonly introduced: Map<NodeId, { readonly configuration: Configuration; readonly atMs: number }>;
  /** Is this node to be a member, by its options, or because a leader has let it know in this life that it is one? */
  isOfTheGroup: boolean;
  role: Role;
  /** Never goes down. */
  term: Term;
  /** Whom this node voted for in `term`. Set at most once in a term. */
  votedFor: NodeId | null;
  /** The leader of `term`, once known. */
  leader: NodeId | null;
  /** Never goes down. Invariant: lastApplied <= commitIndex <= lastIndex. */
  commitIndex: LogIndex;
  lastApplied: LogIndex;
  /** The commit index that a leader has last told; for status only, as it may be beyond what this log holds. */
  leaderCommitIndex: LogIndex;
  readonly submissions: Submissions;
  readonly reads: PendingReads;
  handover: Handover | null;
  /** What the leader was asked and has not answered, by the number of the question. */
  readonly askedChanges: Map<number, Asked>;
  readonly askedVersions: Map<number, Asked>;
  askedTransfer: AskedTransfer | null;
  /** The clocks as of the current step. */
  nowMs: number;
  wallMs: number;
  /** When this node last heard from a leader, or started. */
  leaderContactMs: number;
  /**
   * When the leader has last said what is committed, as it does with each heartbeat; -Infinity: not yet. For status
   * only.
   */
  leaderCommitMs: number;
  electionDeadlineMs: number;
  /** When submissions or reads were last sent or saw progress; drives their being sent again. */
  submissionProgressMs: number;
  submissionRetryMs: number;
  /** The number of the last question to a leader, and of the last tracking of a peer. */
  lastQuestion: number;
  lastSession: number;
  /** Term or vote have changed since they were last handed to storage. */
  isHardStateDirty: boolean;
  /** The log begins anew behind this, and storage has not been told. */
  unstoredReset: LastIncluded | null;
  /** The log has been handed to storage up to here. */
  storedIndex: LogIndex;
  /** Since when storage has had more to write than it should: nothing new is taken into the log. Null: it keeps up. */
  storageBehindSinceMs: number | null;
  /** What may follow once everything so far is durable; goes out with the next `store`. */
  afterStore: DurableEffect[];
  /** What has been told of role, term and leader. */
  announced: { role: RoleName; term: Term; leader: NodeId | null };
  announcedCommit: LogIndex;
  effects: Effect[];
  spareEffects: Effect[];
}

/** What a node finds in its storage when it starts again. */
export interface Recovered {
  /** Null: the node never knew a term but 0. */
  readonly hardState: HardState | null;
  /** The core takes it over. What it no longer holds at its front is in a snapshot. */
  readonly log: RaftLog;
  /** What that snapshot says of members; null: there is no snapshot. */
  readonly configuration: Configuration | null;
}

/**
 * A node at its first start, or as it was `recovered`: a follower that acts as though it had just heard from a leader.
 */
export function createCore(options: CoreOptions, nowMs: number, recovered?: Recovered): Core {
  const log = recovered?.log ?? new RaftLog();
  const stored = recovered?.hardState ?? { term: term(0), votedFor: null };
  // A snapshot may have been durable before the term in which it was received: then this node has not voted in that
  // term.
  const isTermStored = stored.term >= log.lastTerm;
  const knownTerm = isTermStored ? stored.term : log.lastTerm;
  const votedFor = isTermStored ? stored.votedFor : null;
  // Only what was committed is dropped.
  const droppedIndex = logIndex(log.firstIndex - 1);
  const configurations = new Configurations(options.configuration, recovered?.configuration ?? null, droppedIndex);
  for (const index of log.configurationIndexes) configurations.appended(index, log.entry(index).payload);
  const core: Core = {
    options,
    log,
    configurations,
    incarnations: new Map(),
    codeVersions: new Map(),
    connected: new Set(),
    codeVersion: 0,
    introduced: new Map(),
    isOfTheGroup: isMember(options.configuration, options.self),
    role: FOLLOWER,
    term: knownTerm,
    votedFor,
    leader: null,
    commitIndex: droppedIndex,
    lastApplied: droppedIndex,
    leaderCommitIndex: droppedIndex,
    submissions: new Submissions(options.limits.submissionBytesInflightMax),
    reads: new PendingReads(),
    handover: null,
    askedChanges: new Map(),
    askedVersions: new Map(),
    askedTransfer: null,
    nowMs,
    wallMs: 0,
    leaderContactMs: nowMs,
    leaderCommitMs: -Infinity,
    electionDeadlineMs: 0,
    submissionProgressMs: nowMs,
    submissionRetryMs: options.electionTimeoutMs[1],
    // An answer or acknowledgement that an earlier life of this node asked for must not be taken for one of this life.
    lastQuestion: options.random.uint32(),
    lastSession: options.random.uint32(),
    isHardStateDirty: !isTermStored,
    unstoredReset: null,
    storedIndex: log.lastIndex,
    storageBehindSinceMs: null,
    afterStore: [],
    announced: { role: 'follower', term: knownTerm, leader: null },
    announcedCommit: droppedIndex,
    effects: [],
    spareEffects: [],
  };
  resetElectionDeadline(core);
  if (isAlone(core)) core.electionDeadlineMs = nowMs;
  return core;
}

/**
 * Can nobody else lead? As far back as the log tells, for one that was left out leads on until it hears of that, and
 * answers reads from its lease.
 */
function isAlone({ configurations, log, options }: Core): boolean {
  const known = [...configurations.upTo(log.lastIndex), configurations.current];
  return known.every(({ electors }) => electors.length === 1 && electors[0] === options.self);
}

/** What a new entry is stamped with: the calendar's time, but never less than the entry before has. */
export function timestampOf(core: Core): number {
  return Math.max(core.log.lastTimestampMs, core.wallMs);
}

/** Draws the time at which this node gives up waiting for a leader (§5.2). */
export function resetElectionDeadline(core: Core): void {
  const [min, max] = core.options.electionTimeoutMs;
  const fraction = core.options.random.uint32() / 0x1_0000_0000;
  core.electionDeadlineMs = core.nowMs + min + fraction * (max - min);
}

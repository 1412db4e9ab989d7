/**
 * What a node says about itself. Plain data with units in the names, made on the caller's thread from what consensus
 * last reported: at most one tick (a few milliseconds) old.
 */

import type { ErrorCode } from '../errors.js';
import type { Health } from './health.js';

/**
 * What a node is in its cluster. `follower`, `candidate` and `leader` as in the Raft paper; `preCandidate` asks whether
 * a vote would succeed; `receivingSnapshot` is a follower that is being given a snapshot.
 */
export type Role = 'follower' | 'preCandidate' | 'candidate' | 'leader' | 'receivingSnapshot';

/** All of them. */
export const ROLES = Object.keys({
  follower: true,
  preCandidate: true,
  candidate: true,
  leader: true,
  receivingSnapshot: true,
} satisfies Readonly<Record<Role, true>>) as readonly Role[];

/**
 * What `runtime.status()` returns. Of a node that has ended, it is what was known last, but for its part in the
 * cluster: it is a follower that knows no leader, and to which nobody is connected.
 */
export interface RuntimeStatus {
  /** The version of Conclave. */
  readonly conclaveVersion: string;
  readonly cluster: string;
  /** This node's address; null for an observer. */
  readonly self: string | null;
  /** How long the node has been running, in milliseconds. */
  readonly uptimeMs: number;
  readonly health: Health;
  /** Why the node cannot go on; null: it does. */
  readonly failure: { readonly code: ErrorCode; readonly message: string } | null;
  readonly role: Role;
  /** The leader that this node knows, or null. */
  readonly leader: string | null;
  /** Has a leader been heard from, or has this leader reached a quorum, within the longest election timeout? */
  readonly hasQuorum: boolean;
  readonly term: number;
  /** The first entry that this node's log still holds; `lastIndex + 1` where a snapshot has taken the place of all. */
  readonly firstIndex: number;
  /** The last entry of this node's log. */
  readonly lastIndex: number;
  /** The last entry known to be committed. */
  readonly commitIndex: number;
  /**
   * The highest commit index that this node knows a leader to have had: how far behind it, this node is catching up.
   */
  readonly leaderCommitIndex: number;
  /** The last entry that this node's objects have applied. */
  readonly appliedIndex: number;
  /** All members, by address. */
  readonly members: readonly MemberStatus[];
  /** The observers that are connected to this node, by the ids that they have given themselves. */
  readonly observers: readonly string[];
  /** Commands that were called on this node and wait for their result. */
  readonly pendingCommands: number;
  /** Queries that were called on this node and wait for their result. */
  readonly pendingQueries: number;
  /** The last entry in this node's newest snapshot; 0 if it has none. */
  readonly snapshotIndex: number;
  /** Memory that the log takes, in bytes. */
  readonly logBytes: number;
  /** The version of the objects' code that is in force on this node. */
  readonly codeVersion: number;
  /** The highest version that this node's own code has. */
  readonly codeVersionMax: number;
}

export interface MemberStatus {
  readonly id: string;
  /** A learner receives the log, and becomes a voter when it has caught up. */
  readonly role: 'voter' | 'learner';
  /** Is there a connection to it? True for the node itself. */
  readonly connected: boolean;
  /**
   * The last entry that it is known to have and to keep: `lastIndex` less this is how far it is behind. Only the leader
   * knows; null elsewhere.
   */
  readonly matchIndex: number | null;
  /** The next entry that the leader will send it. Null of the leader itself, and elsewhere than on the leader. */
  readonly nextIndex: number | null;
  /**
   * When it last answered the leader, in milliseconds since 1970, told once in a shortest election timeout. Null of the
   * leader itself, where it has not answered this one yet, and elsewhere than on the leader.
   */
  readonly lastContactAtMs: number | null;
}

/**
 * Why a node is not ready, in a few words: `no quorum; connected to 0 of 2 peers (not to b:4321, c:4321)`, and what to
 * do.
 */
export function describeStatus({ self, health, members }: RuntimeStatus): string {
  const peers = members.filter(({ id }) => id !== self);
  if (health === 'founding' && members.length === 0)
    return `no member of a cluster yet; have members.add('${self}') called there`;
  const missing = peers.filter(({ connected }) => !connected).map(({ id }) => id);
  const connected = `connected to ${peers.length - missing.length} of ${peers.length} peers`;
  if (missing.length > 0) return `${health}; ${connected} (not to ${missing.join(', ')})`;
  const isAtOdds = health === 'founding' && peers.length > 0;
  return `${health}; ${connected}${isAtOdds ? '; if that lasts, some remember a cluster or name other peers, which a logger is told' : ''}`;
}

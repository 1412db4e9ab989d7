/**
 * What a node says about itself. Plain data with units in the names, made on the caller's thread from what consensus
 * last reported: at most one tick (a few milliseconds) old.
 */

import type { GroupMember } from '../actors/raft/status.js';
import type { NodeId } from '../ids.js';
import type { Health } from './health.js';

/**
 * What a node is in its cluster. `follower`, `candidate` and `leader` as in the Raft paper; `preCandidate` asks whether
 * a vote would succeed; `receivingSnapshot` is a follower that is being given a snapshot.
 */
export type Role = 'follower' | 'preCandidate' | 'candidate' | 'leader' | 'receivingSnapshot';

/** What `runtime.status()` returns. */
export interface RuntimeStatus {
  /** This node's address; null for an observer. */
  readonly self: string | null;
  readonly role: Role;
  /** The leader that this node knows, or null. */
  readonly leader: string | null;
  readonly term: number;
  /** The last entry of this node's log. */
  readonly lastIndex: number;
  /** The last entry known to be committed. */
  readonly commitIndex: number;
  /** The last entry that this node's objects have applied. */
  readonly appliedIndex: number;
  /** All members, by address. */
  readonly members: readonly MemberStatus[];
  readonly health: Health;
  /** Commands that wait for their result. */
  readonly pendingCommands: number;
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
}

export function memberStatus(
  self: NodeId | null,
  members: readonly GroupMember[],
  connected: readonly NodeId[],
): MemberStatus[] {
  return members
    .toSorted((a, b) => (a.id < b.id ? -1 : 1))
    .map(({ id, role }) => ({ id, role, connected: id === self || connected.includes(id) }));
}

/** Why a node is not ready, in a few words: `no quorum; connected to 0 of 2 peers (not to b:4321, c:4321)`. */
export function describeStatus({ self, health, members }: RuntimeStatus): string {
  const peers = members.filter(({ id }) => id !== self);
  const missing = peers.filter(({ connected }) => !connected).map(({ id }) => id);
  const connected = `connected to ${peers.length - missing.length} of ${peers.length} peers`;
  return `${health}; ${connected}${missing.length === 0 ? '' : ` (not to ${missing.join(', ')})`}`;
}

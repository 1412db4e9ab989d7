/**
 * Makes what a node says about itself (status.ts) from what consensus last reported and from what its caller counts.
 * Pure; on the thread that started the node.
 */

import type { Caller } from '../actors/replicated/caller.js';
import type { NodeStatus } from '../actors/replicated/caller-messages.js';
import type { GroupMember } from '../actors/raft/status.js';
import type { NodeId } from '../ids.js';
import { asFailure } from './failure.js';
import type { Health } from './health.js';
import type { CheckedOptions } from './options.js';
import { PACKAGE_VERSION } from './package-version.js';
import type { MemberStatus, RuntimeStatus } from './status.js';

export interface StatusSources {
  readonly options: CheckedOptions;
  /** Null: consensus has not said anything yet. */
  readonly reported: NodeStatus | null;
  readonly caller: Pick<Caller, 'uptimeMs' | 'pendingCommands' | 'pendingQueries' | 'codeVersion'>;
  readonly health: Health;
  /** Why the node cannot go on; null: it does. */
  readonly failure: Error | null;
  /** Has it stopped, or failed? */
  readonly hasEnded: boolean;
  readonly codeVersionMax: number;
}

export function statusOf(sources: StatusSources): RuntimeStatus {
  const { options, caller, health, failure, codeVersionMax } = sources;
  const reported = sources.hasEnded ? withoutPart(sources.reported) : sources.reported;
  const { cluster, self } = options;
  return {
    conclaveVersion: PACKAGE_VERSION,
    cluster,
    self,
    uptimeMs: Math.round(caller.uptimeMs),
    health,
    failure: failure === null ? null : describeFailure(failure),
    role: reported?.role ?? 'follower',
    leader: reported?.leader ?? null,
    hasQuorum: reported?.hasQuorum ?? false,
    term: reported?.term ?? 0,
    firstIndex: reported?.firstIndex ?? 1,
    lastIndex: reported?.lastIndex ?? 0,
    commitIndex: reported?.commitIndex ?? 0,
    leaderCommitIndex: reported?.leaderCommitIndex ?? 0,
    appliedIndex: reported?.appliedIndex ?? 0,
    members: membersOf(self, reported?.members ?? foundersOf(options), reported?.connected ?? []),
    observers: reported?.observers ?? [],
    pendingCommands: caller.pendingCommands,
    pendingQueries: caller.pendingQueries,
    snapshotIndex: reported?.snapshotIndex ?? 0,
    logBytes: reported?.logBytes ?? 0,
    codeVersion: caller.codeVersion,
    codeVersionMax,
  };
}

/** Of a node that has ended: it leads nobody, and nobody is connected to it, whatever it was when it said so last. */
function withoutPart(reported: NodeStatus | null): NodeStatus | null {
  if (reported === null) return null;
  const members = reported.members.map((member) => ({ ...member, progress: null }));
  return { ...reported, role: 'follower', leader: null, hasQuorum: false, members, connected: [], observers: [] };
}

function describeFailure(failure: Error): RuntimeStatus['failure'] {
  const { code, message } = asFailure(failure);
  return { code, message };
}

function membersOf(self: NodeId | null, members: readonly GroupMember[], connected: readonly NodeId[]): MemberStatus[] {
  return members
    .toSorted((a, b) => (a.id < b.id ? -1 : 1))
    .map(({ id, role, progress }) => ({
      id,
      role,
      connected: id === self || connected.includes(id),
      matchIndex: progress?.matchIndex ?? null,
      nextIndex: progress?.nextIndex ?? null,
      lastContactAtMs: progress?.lastContactAtMs ?? null,
    }));
}

/** Who the members are to be, before anything else is known. */
function foundersOf({ self, peers, join }: CheckedOptions): GroupMember[] {
  const ids = join ? [] : [...(self === null ? [] : [self]), ...peers];
  return ids.map((id) => ({ id, role: 'voter', progress: null }));
}

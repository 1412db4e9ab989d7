/**
 * Is what there is to say of a node what its caller knows already? Asked at each tick, and nearly always so: it must cost
 * next to nothing. Part of the shell.
 */

import type { NodeStatus } from '../replicated/caller-messages.js';
import type { GroupMember } from './status.js';

/** All that counts and is compared as it is; every field of a status is here or in what is left out. */
const PLAIN: Readonly<Record<Exclude<keyof NodeStatus, 'type' | 'logBytes' | 'members' | 'connected'>, true>> = {
  role: true,
  term: true,
  leader: true,
  lastIndex: true,
  commitIndex: true,
  hasQuorum: true,
  isFounded: true,
  isMemoryLost: true,
  isChanging: true,
  isAdmitted: true,
  appliedIndex: true,
  snapshotIndex: true,
  isRemoved: true,
};
const PLAIN_FIELDS = Object.keys(PLAIN) as (keyof typeof PLAIN)[];

/**
 * Are these equal but for the memory of the log, which is no news by itself, and for contacts with members within
 * `contactMs`, which there are all the time?
 */
export function isSameStatus(a: NodeStatus, b: NodeStatus, contactMs: number): boolean {
  return (
    PLAIN_FIELDS.every((field) => a[field] === b[field]) &&
    a.connected.length === b.connected.length &&
    a.connected.every((id, i) => id === b.connected[i]) &&
    a.members.length === b.members.length &&
    a.members.every((member, i) => isSameMember(member, b.members[i]!, contactMs))
  );
}

function isSameMember(a: GroupMember, b: GroupMember, contactMs: number): boolean {
  if (a.id !== b.id || a.role !== b.role) return false;
  if (a.progress === null || b.progress === null) return a.progress === b.progress;
  const [now, before] = [a.progress.lastContactAtMs, b.progress.lastContactAtMs];
  const isSameContact = now === null || before === null ? now === before : Math.abs(now - before) < contactMs;
  return isSameContact && a.progress.matchIndex === b.progress.matchIndex;
}

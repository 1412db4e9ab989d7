/**
 * Is what there is to say of a node what its caller knows already? Asked at each tick, and nearly always so: it must cost
 * next to nothing. Part of the shell.
 */

import type { NodeStatus } from '../replicated/caller-messages.js';
import type { GroupMember } from './status.js';

/** All that counts and is compared as it is; every field of a status is here or in what is left out. */
const PLAIN: Readonly<
  Record<Exclude<keyof NodeStatus, 'type' | 'logBytes' | 'members' | 'observers' | 'connected'>, true>
> = {
  role: true,
  term: true,
  leader: true,
  firstIndex: true,
  lastIndex: true,
  commitIndex: true,
  leaderCommitIndex: true,
  hasQuorum: true,
  isFounded: true,
  isMemoryLost: true,
  isChanging: true,
  isAdmitted: true,
  codeVersion: true,
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
    isSameList(a.connected, b.connected, (one, other) => one === other) &&
    isSameList(a.observers, b.observers, (one, other) => one === other) &&
    isSameList(a.members, b.members, (one, other) => isSameMember(one, other, contactMs))
  );
}

function isSameMember(a: GroupMember, b: GroupMember, contactMs: number): boolean {
  if (a.id !== b.id || a.role !== b.role) return false;
  const { progress: one } = a;
  const { progress: other } = b;
  if (one === null || other === null) return one === other;
  const [now, before] = [one.lastContactAtMs, other.lastContactAtMs];
  const isSameContact = now === null || before === null ? now === before : Math.abs(now - before) < contactMs;
  return isSameContact && one.matchIndex === other.matchIndex && one.nextIndex === other.nextIndex;
}

function isSameList<Item>(a: readonly Item[], b: readonly Item[], isSame: (a: Item, b: Item) => boolean): boolean {
  return a.length === b.length && a.every((item, i) => isSame(item, b[i]!));
}

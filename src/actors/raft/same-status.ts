/**
 * Is what there is to say of a node what its caller knows already? Asked at each tick, and nearly always so: it must cost
 * next to nothing. Part of the shell.
 */

import type { NodeStatus } from '../replicated/caller-messages.js';

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
  codeVersion: true,
  appliedIndex: true,
  snapshotIndex: true,
  isRemoved: true,
};
const PLAIN_FIELDS = Object.keys(PLAIN) as (keyof typeof PLAIN)[];

/** Are these equal but for the memory of the log, which is no news by itself? */
export function isSameStatus(a: NodeStatus, b: NodeStatus): boolean {
  return (
    PLAIN_FIELDS.every((field) => a[field] === b[field]) &&
    a.connected.length === b.connected.length &&
    a.connected.every((id, i) => id === b.connected[i]) &&
    a.members.length === b.members.length &&
    a.members.every(({ id, role }, i) => id === b.members[i]!.id && role === b.members[i]!.role)
  );
}

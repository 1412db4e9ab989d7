/**
 * Is what there is to say of a node what its caller knows already? Asked at each tick, and nearly always so: it must
 * cost next to nothing. Part of the shell.
 */

import type { NodeId } from '../../ids.js';
import type { NodeStatus, ShellStatus } from '../replicated/caller-messages.js';
import type { CoreStatus, GroupMember } from './status.js';

/**
 * Is this what was told before, but for the memory of the log, which is no news by itself, and for contacts with
 * members within `contactMs`, which there are all the time?
 */
export function isSameStatus(core: CoreStatus, shell: ShellStatus, before: NodeStatus, contactMs: number): boolean {
  return (
    core.role === before.role &&
    core.term === before.term &&
    core.leader === before.leader &&
    core.firstIndex === before.firstIndex &&
    core.lastIndex === before.lastIndex &&
    core.commitIndex === before.commitIndex &&
    core.leaderCommitIndex === before.leaderCommitIndex &&
    core.isCommitKnown === before.isCommitKnown &&
    core.hasQuorum === before.hasQuorum &&
    core.isFounded === before.isFounded &&
    core.isMemoryLost === before.isMemoryLost &&
    core.isChanging === before.isChanging &&
    core.isAdmitted === before.isAdmitted &&
    core.codeVersion === before.codeVersion &&
    shell.appliedIndex === before.appliedIndex &&
    shell.snapshotIndex === before.snapshotIndex &&
    shell.isRemoved === before.isRemoved &&
    areSameIds(shell.connected, before.connected) &&
    areSameIds(core.observers, before.observers) &&
    areSameMembers(core.members, before.members, contactMs)
  );
}

function isSameMember(a: GroupMember, b: GroupMember, contactMs: number): boolean {
  if (a.id !== b.id || a.role !== b.role) return false;
  const { progress: one } = a;
  const { progress: other } = b;
  if (one === null || other === null) return one === other;
  const { lastContactAtMs: now } = one;
  const { lastContactAtMs: before } = other;
  const isSameContact = now === null || before === null ? now === before : Math.abs(now - before) < contactMs;
  return isSameContact && one.matchIndex === other.matchIndex && one.nextIndex === other.nextIndex;
}

function areSameIds(a: readonly NodeId[], b: readonly NodeId[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

function areSameMembers(a: readonly GroupMember[], b: readonly GroupMember[], contactMs: number): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (!isSameMember(a[i]!, b[i]!, contactMs)) return false;
  return true;
}

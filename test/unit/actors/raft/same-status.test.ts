import { describe, expect, it } from 'vitest';
import { isSameStatus } from '../../../../src/actors/raft/same-status.js';
import type { GroupMember } from '../../../../src/actors/raft/status.js';
import type { NodeStatus } from '../../../../src/actors/replicated/caller-messages.js';
import { logIndex, nodeId, term } from '../../../../src/ids.js';

const CONTACT_MS = 150;
const MEMBER: GroupMember = {
  id: nodeId('b:1'),
  role: 'voter',
  progress: { matchIndex: logIndex(4), nextIndex: logIndex(5), lastContactAtMs: 1_000 },
};
const STATUS: NodeStatus = {
  type: 'nodeStatus',
  role: 'leader',
  term: term(3),
  leader: nodeId('a:1'),
  firstIndex: logIndex(1),
  lastIndex: logIndex(9),
  commitIndex: logIndex(8),
  leaderCommitIndex: logIndex(8),
  isCommitKnown: true,
  hasQuorum: true,
  isFounded: true,
  isMemoryLost: false,
  members: [MEMBER],
  observers: [nodeId('~1')],
  isChanging: false,
  isAdmitted: true,
  codeVersion: 1,
  appliedIndex: logIndex(8),
  snapshotIndex: logIndex(0),
  logBytes: 1_024,
  connected: [nodeId('b:1')],
  isRemoved: false,
};
/** What else each field may say: every one that there is, but for what is no news. */
const OTHERWISE: Omit<NodeStatus, 'type' | 'logBytes'> = {
  role: 'follower',
  term: term(4),
  leader: null,
  firstIndex: logIndex(2),
  lastIndex: logIndex(10),
  commitIndex: logIndex(9),
  leaderCommitIndex: logIndex(9),
  isCommitKnown: false,
  hasQuorum: false,
  isFounded: false,
  isMemoryLost: true,
  members: [{ ...MEMBER, role: 'learner' }],
  observers: [],
  isChanging: true,
  isAdmitted: false,
  codeVersion: 2,
  appliedIndex: logIndex(9),
  snapshotIndex: logIndex(5),
  connected: [nodeId('c:1')],
  isRemoved: true,
};

function isSame(status: NodeStatus): boolean {
  return isSameStatus(status, status, STATUS, CONTACT_MS);
}

function withProgress(changed: Partial<NonNullable<GroupMember['progress']>>): NodeStatus {
  return { ...STATUS, members: [{ ...MEMBER, progress: { ...MEMBER.progress!, ...changed } }] };
}

describe('isSameStatus', () => {
  it('takes equal ones for the same, whatever memory the log takes', () => {
    const again = { ...structuredClone(STATUS), logBytes: 2_048 };

    expect(isSame(again)).toBe(true);
  });

  it.each(Object.keys(OTHERWISE) as (keyof typeof OTHERWISE)[])('takes another %s for news', (field) => {
    const changed: NodeStatus = { ...STATUS, [field]: OTHERWISE[field] };

    expect(isSame(changed)).toBe(false);
  });

  it.each([
    ['a match that has moved', withProgress({ matchIndex: logIndex(5) })],
    ['another entry that is sent next', withProgress({ nextIndex: logIndex(6) })],
    ['a contact after so long', withProgress({ lastContactAtMs: 1_000 + CONTACT_MS })],
    ['the first contact', withProgress({ lastContactAtMs: null })],
    ['progress that is not known any more', { ...STATUS, members: [{ ...MEMBER, progress: null }] }],
    ['one member more', { ...STATUS, members: [MEMBER, { ...MEMBER, id: nodeId('c:1') }] }],
  ])('takes %s for news', (_what, changed) => {
    expect(isSame(changed)).toBe(false);
  });

  it('takes a contact soon after the last one that was told for none', () => {
    const soon = withProgress({ lastContactAtMs: 1_000 + CONTACT_MS - 1 });

    expect(isSame(soon)).toBe(true);
  });
});

import { describe, expect, it } from 'vitest';
import type { NodeStatus } from '../../../src/actors/replicated/caller-messages.js';
import { ConclaveError } from '../../../src/errors.js';
import { logIndex, nodeId, term } from '../../../src/ids.js';
import { healthOf, type HealthSigns } from '../../../src/node/health.js';

const STATUS: NodeStatus = {
  type: 'nodeStatus',
  role: 'follower',
  term: term(1),
  leader: nodeId('a:1'),
  firstIndex: logIndex(1),
  lastIndex: logIndex(1),
  commitIndex: logIndex(1),
  leaderCommitIndex: logIndex(1),
  isCommitKnown: true,
  appliedIndex: logIndex(1),
  snapshotIndex: logIndex(0),
  logBytes: 0,
  connected: [],
  hasQuorum: true,
  isFounded: true,
  isMemoryLost: false,
  isAdmitted: true,
  members: [],
  observers: [],
  isChanging: false,
  isRemoved: false,
  codeVersion: 0,
};
const WELL: HealthSigns = {
  isStopped: false,
  failure: null,
  areMachinesUp: true,
  status: STATUS,
  isReady: true,
  isBehind: false,
};

const threadEnded = (cause: Error): Error => new ConclaveError('ERR_THREAD_EXITED', 'The thread has ended.', { cause });
const diskFailed = new ConclaveError('ERR_STORAGE', 'The disk is full.');
const objectsGone = new ConclaveError('ERR_OBJECT_FAILED', 'It has ended too often.', {
  cause: threadEnded(new Error('of a class')),
});

describe('the health of a node', () => {
  it.each([
    ['ok', {}],
    ['starting', { status: null }],
    ['founding', { status: { ...STATUS, isFounded: false } }],
    ['memory lost', { status: { ...STATUS, isMemoryLost: true, leader: null } }],
    ['no quorum', { status: { ...STATUS, leader: null } }],
    ['no quorum', { status: { ...STATUS, hasQuorum: false } }],
    ['catching up', { isReady: false }],
    ['catching up', { isBehind: true }],
    ['no quorum', { isBehind: true, status: { ...STATUS, leader: null } }],
    ['object failed', { areMachinesUp: false }],
    ['thread dead', { failure: threadEnded(new Error('of a defect')) }],
    ['thread dead', { failure: objectsGone, areMachinesUp: false }],
    ['failed', { failure: threadEnded(diskFailed) }],
    ['failed', { failure: diskFailed }],
    ['stopped', { isStopped: true, failure: diskFailed }],
  ] as const)('is %s', (health, signs) => {
    expect(healthOf({ ...WELL, ...signs })).toBe(health);
  });
});

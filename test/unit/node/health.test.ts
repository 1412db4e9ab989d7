import { describe, expect, it } from 'vitest';
import { ConclaveError } from '../../../src/errors.js';
import { healthOf, type HealthSigns } from '../../../src/node/health.js';
import { followerStatus } from './support/follower-status.js';

const STATUS = followerStatus();
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

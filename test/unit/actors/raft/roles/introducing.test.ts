/** How one who is no member learns from any member who the members are, and that it was removed. */

import { describe, expect, test } from 'vitest';
import { majorityConfiguration, NOBODY } from '../../../../../src/actors/raft/configuration.js';
import { configurationContent, encodeConfiguration } from '../../../../../src/actors/raft/configuration-entry.js';
import type { Effect } from '../../../../../src/actors/raft/effects.js';
import type { MembersKnown } from '../../../../../src/actors/raft/messages.js';
import { logIndex, nodeId, observerId } from '../../../../../src/ids.js';
import { requestPreVote } from './campaigning.js';
import {
  A,
  append,
  B,
  C,
  D,
  encode,
  firstLivesOf,
  foundedAs,
  HEARTBEAT_MS,
  lifeOf,
  MAX_MS,
  MIN_MS,
  sentOf,
  Subject,
} from './fixture.js';

const OBSERVER = observerId(lifeOf(nodeId('0123456789ab')));
const ABC = majorityConfiguration([A, B, C]);
const BCD = foundedAs(majorityConfiguration([B, C, D]), firstLivesOf(majorityConfiguration([B, C, D])))!;

/** A follower of `b` that has a log of one entry, committed. */
function follower(): Subject {
  const subject = new Subject({ term: 1 });
  subject.peer(append(0, 0, [1], { leaderCommit: 1 }));
  return subject;
}

function told(effects: readonly Effect[]): string[] {
  return sentOf(effects).flatMap(({ to, message }) => (message.type === 'membersKnown' ? [to] : []));
}

function membersKnown(more: Partial<MembersKnown> = {}): Omit<MembersKnown, 'group' | 'from' | 'term'> {
  const known = { commitIndex: logIndex(9), hasLeader: true, configuration: encodeConfiguration(BCD) };
  return { type: 'membersKnown', ...known, ...more };
}

describe('a member that does not lead', () => {
  test('tells whoever is connected and is no member who the members are, once for each connection', () => {
    const subject = follower();
    subject.connect(D);
    subject.connect(OBSERVER);

    const effects = subject.tick(HEARTBEAT_MS);
    expect(told(effects)).toEqual([D, OBSERVER]);
    expect(sentOf(effects)[0]!.message).toMatchObject({
      commitIndex: 1,
      hasLeader: true,
      configuration: encodeConfiguration(subject.core.configurations.current),
    });
    expect(told(subject.tick(HEARTBEAT_MS))).toEqual([]);
    subject.local({ type: 'peerDisconnected', peer: D });
    expect(subject.core.introduced.size).toBe(1);
    subject.connect(D);
    expect(told(subject.tick(HEARTBEAT_MS))).toEqual([D]);
  });

  test('tells one again that has connected anew while this node led', () => {
    const subject = follower();
    subject.connect(D);
    expect(told(subject.tick(HEARTBEAT_MS))).toEqual([D]);
    subject.elect();
    // The old connection was not seen to end.
    subject.connect(D, 2);
    subject.peer({ ...append(1, 1), term: 9 });

    expect(told(subject.tick(HEARTBEAT_MS))).toEqual([D]);
  });

  test('tells them again when that has changed, and not before it is committed', () => {
    const subject = follower();
    subject.connect(OBSERVER);
    subject.tick(HEARTBEAT_MS);
    subject.peer({ ...append(1, 1, [], { leaderCommit: 1 }), entries: encode(2, [[configurationContent(BCD), 1]]) });

    expect(told(subject.tick(HEARTBEAT_MS))).toEqual([]);
    subject.peer(append(2, 1, [], { leaderCommit: 2 }));
    expect(told(subject.tick(HEARTBEAT_MS))).toEqual([OBSERVER]);
  });

  test('tells one again after a while, for what it was told may have been lost', () => {
    const subject = follower();
    subject.connect(OBSERVER);
    const toldAtMs: number[] = [];
    for (let passedMs = 0; passedMs < 50 * MAX_MS; passedMs += MIN_MS) {
      if (told(subject.tick(MIN_MS)).length > 0) toldAtMs.push(passedMs);
    }
    expect(toldAtMs).toEqual([0, 10 * MAX_MS, 20 * MAX_MS, 30 * MAX_MS, 40 * MAX_MS]);
  });

  test('has nothing to tell before there is a cluster', () => {
    const subject = new Subject({ admissions: [] });
    subject.connect(D);
    expect(told(subject.tick(HEARTBEAT_MS))).toEqual([]);
  });

  test('tells one that asks for a pre-vote and is none', () => {
    const subject = follower();
    subject.connect(D);
    subject.tick(0);

    expect(told(subject.peer(requestPreVote(1, [0, 0], { from: D })))).toEqual([D]);
    expect(told(subject.peer(requestPreVote(1, [0, 0], { from: C })))).toEqual([]);
  });

  test('says so where it hears from no leader itself', () => {
    const subject = follower();
    subject.tick(MAX_MS);
    subject.connect(D);

    expect(sentOf(subject.tick(0)).map(({ message }) => message)).toMatchObject([{ hasLeader: false }]);
  });
});

describe('a node that is told who the members are', () => {
  test('is to meet them, if it is yet to join', () => {
    const subject = new Subject({ configuration: NOBODY, self: nodeId('x'), admissions: [] });
    subject.connect(B);
    expect(subject.peer(membersKnown())).toEqual([{ type: 'meet', members: [B, C, D] }]);
  });

  test('takes no notice if it knows as much', () => {
    expect(follower().peer(membersKnown({ commitIndex: logIndex(1) }))).toEqual([]);
  });

  test('believes no observer, nor what is no configuration', () => {
    const subject = follower();
    subject.connect(OBSERVER);
    expect(subject.peer({ ...membersKnown(), from: OBSERVER })).toEqual([]);
    expect(() => subject.peer(membersKnown({ configuration: Uint8Array.of(1) }))).toThrow(
      expect.objectContaining({ code: 'ERR_PROTOCOL' }),
    );
  });

  /** It has heard from nobody for as long as it takes to campaign. */
  function alone(): Subject {
    const subject = new Subject({ term: 1 });
    subject.tick(MAX_MS);
    return subject;
  }

  test('and is none of them any more has been removed', () => {
    const subject = alone();
    expect(subject.peer(membersKnown())).toContainEqual({ type: 'removed' });
    expect(subject.peer(membersKnown())).not.toContainEqual({ type: 'removed' });
  });

  test('has not been removed by one that knows less than when it was let in, be that known to be committed or not', () => {
    const subject = new Subject();
    const entries = encode(3, [
      [configurationContent(BCD), 1],
      [configurationContent(foundedAs(ABC, firstLivesOf(ABC))!), 1],
    ]);
    subject.peer(append(0, 0, [1, 1], { term: 1 }), { ...append(2, 1, [], { term: 1 }), entries });
    // As after any start, nothing of that is known to be committed.
    subject.tick(MAX_MS);
    expect(subject.core).toMatchObject({ commitIndex: 0, leader: null });

    expect(subject.peer(membersKnown({ commitIndex: logIndex(3) }))).not.toContainEqual({ type: 'removed' });
    expect(subject.peer(membersKnown({ commitIndex: logIndex(4) }))).toContainEqual({ type: 'removed' });
  });

  test('has been removed also where its log ends with a change that was never committed, behind what others have', () => {
    const subject = new Subject();
    const withoutC = foundedAs(majorityConfiguration([A, B]), firstLivesOf(majorityConfiguration([A, B])))!;
    subject.peer(append(0, 0, [1, 1], { term: 1 }), {
      ...append(2, 1, [], { term: 1 }),
      entries: encode(3, [[configurationContent(withoutC), 1]]),
    });
    subject.tick(MAX_MS);

    expect(subject.peer(membersKnown({ commitIndex: logIndex(2) }))).toContainEqual({ type: 'removed' });
  });

  test.each<[string, Subject, Partial<MembersKnown>]>([
    ['while it hears from a leader, which knows better', follower(), {}],
    ['by one that hears from no leader', alone(), { hasLeader: false }],
    ['when it is one of them', alone(), { configuration: encodeConfiguration(ABC) }],
  ])('has not been removed: %s', (_, subject, more) => {
    expect(subject.peer(membersKnown(more))).not.toContainEqual({ type: 'removed' });
  });
});

describe('an observer that hears of a later term from one who has stood in vain, and is cut off from the others', () => {
  /** A follower of `b` in term 1. */
  function observer(): Subject {
    const subject = new Subject({ self: OBSERVER, configuration: ABC, term: 1 });
    subject.peer(append(0, 0, [1], { leaderCommit: 1 }));
    return subject;
  }

  test.each<[string, Parameters<Subject['peer']>[0]]>([
    ['who the members are', { ...membersKnown({ commitIndex: logIndex(1), hasLeader: false }), term: 3, from: C }],
    ['that it leads no more', { type: 'changeReply', question: 1, refusal: 'no leader', index: logIndex(0), term: 3 }],
    ['that it raises nothing', { type: 'versionReply', question: 1, refusal: new Uint8Array(0), term: 3 }],
    ['that it hands nothing over', { type: 'transferReply', question: 1, error: 'no leader', term: 3 }],
  ])('goes on to follow the leader that there is: it was told %s', (_, message) => {
    const subject = observer();
    subject.peer({ ...message, from: C });
    // No leader gives way to an observer.
    subject.peer(append(1, 1, [1], { term: 1, leaderCommit: 2 }));
    expect(subject.core).toMatchObject({ term: 1, leader: B, commitIndex: 2 });
  });
});

describe('of those who are removed', () => {
  test('and are not connected, nothing is kept', () => {
    const subject = new Subject({ term: 1 });
    subject.local({ type: 'peerDisconnected', peer: C });
    expect([...subject.core.incarnations.keys()]).toEqual([B, C]);

    const withoutC = foundedAs(majorityConfiguration([A, B]), firstLivesOf(majorityConfiguration([A, B])))!;
    subject.peer({ ...append(0, 0), entries: encode(1, [[configurationContent(withoutC), 1]]) });

    expect([...subject.core.incarnations.keys()]).toEqual([B]);
  });
});

/** A follower that is given a snapshot: what it fetches, what it says, and how its log goes on behind it. */

import { describe, expect, test } from 'vitest';
import { logIndex, term } from '../../../../../src/ids.js';
import { append, B, C, MAX_MS, sentLaterOf, Subject } from './fixture.js';

function install(index: number, more: { term?: number; from?: typeof B; round?: number } = {}) {
  const included = { lastIncludedIndex: logIndex(index), lastIncludedTerm: term(2) };
  return { type: 'installSnapshot', session: 1, round: 1, ...included, ...more } as const;
}

function installed(index: number) {
  return { type: 'snapshotInstalled', lastIncludedIndex: logIndex(index), lastIncludedTerm: term(2) } as const;
}

function receiving(log: number[] = [1]): Subject {
  const subject = new Subject({ log, term: 3 });
  subject.peer(install(9));
  subject.flush();
  return subject;
}

describe('an offer of a snapshot', () => {
  test('is fetched once, and answered when it is installed, to the last time it was made', () => {
    const subject = new Subject({ log: [1], term: 3 });
    expect(subject.peer(install(9))).toContainEqual({
      type: 'fetchSnapshot',
      from: B,
      lastIncludedIndex: 9,
      lastIncludedTerm: 2,
    });
    expect(subject.peer(install(9, { round: 4 }))).toEqual([]);
    expect(subject.flush()).toEqual([]);
    subject.local(installed(9));
    expect(sentLaterOf(subject.flush())).toMatchObject([
      { to: B, message: { type: 'installSnapshotReply', lastIncludedIndex: 9, round: 4 } },
    ]);
    expect(subject.core).toMatchObject({ role: { name: 'follower' }, commitIndex: 9, lastApplied: 9 });
  });

  test('that brings nothing new is answered at once', () => {
    const subject = new Subject({ log: [1, 2], term: 3 });
    subject.peer(append(2, 2, [], { leaderCommit: 2 }), install(2));
    expect(subject.core.role.name).toBe('follower');
    expect(sentLaterOf(subject.flush())).toContainEqual(
      expect.objectContaining({
        message: expect.objectContaining({ type: 'installSnapshotReply', lastIncludedIndex: 2 }),
      }),
    );
  });

  test('of a newer one takes the place of the older', () => {
    const subject = receiving();
    expect(subject.peer(install(12))).toMatchObject([{ type: 'fetchSnapshot', lastIncludedIndex: 12 }]);
    subject.local(installed(9));
    expect(subject.core.role.name).toBe('receivingSnapshot');
    subject.local(installed(12));
    expect(subject.core).toMatchObject({ role: { name: 'follower' }, commitIndex: 12 });
  });

  test('of a leader of an earlier term is no matter', () => {
    const subject = new Subject({ log: [1], term: 3 });
    expect(subject.peer(install(9, { term: 2 }))).toEqual([]);
  });
});

describe('the log behind a snapshot', () => {
  test('is empty where it contradicts or ends before', () => {
    const subject = receiving([1, 1]);
    subject.local(installed(9));
    expect(subject.core.log).toMatchObject({ firstIndex: 10, lastIndex: 9, lastTerm: 2 });
    subject.peer(append(9, 2, [3]));
    expect(subject.core.log.lastIndex).toBe(10);
  });

  test('keeps what follows the same entry', () => {
    const subject = new Subject({ log: [1, 2, 2, 3], term: 3 });
    subject.peer(install(2));
    subject.flush();
    subject.local(installed(2));
    expect(subject.core.log).toMatchObject({ firstIndex: 3, lastIndex: 4, lastTerm: 3 });
    expect(subject.flush().filter(({ type }) => type === 'commit')).toEqual([]);
  });
});

describe('while a snapshot is on its way, a node', () => {
  test('listens to heartbeats, and stays', () => {
    const subject = receiving();
    subject.nowMs += 50;
    subject.peer(append(0, 0));
    expect(subject.core).toMatchObject({ role: { name: 'receivingSnapshot' }, leaderContactMs: subject.nowMs });
  });

  test('follows a leader of a later term, and needs to say nothing of it to the old one', () => {
    const subject = receiving();
    subject.peer(append(1, 1, [], { term: 4, from: C }));
    subject.flush();
    subject.local(installed(9));
    expect(subject.core).toMatchObject({ role: { name: 'follower' }, leader: C, commitIndex: 9 });
    expect(sentLaterOf(subject.flush())).toEqual([]);
  });

  test('campaigns when its leader falls silent', () => {
    const subject = receiving();
    subject.tick(MAX_MS);
    expect(subject.core.role.name).toBe('preCandidate');
  });
});

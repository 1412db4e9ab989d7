/**
 * Raft §7, claim by claim: snapshots as consensus sees them. We differ in how they travel: `installSnapshot` is an
 * offer that carries no bytes, the follower asks for them, and nothing of that reaches the core; so there are no chunks
 * here, and a stale offer is not answered (5-1-raft-basics.test.ts). What storage is told of it is in
 * roles/snapshots.test.ts.
 */

import { describe, expect, test } from 'vitest';
import { majorityConfiguration } from '../../../../../src/actors/raft/configuration.js';
import { dropLogTo } from '../../../../../src/actors/raft/snapshots.js';
import { logIndex, term } from '../../../../../src/ids.js';
import {
  A,
  append,
  B,
  blockOf,
  C,
  firstLivesOf,
  foundedAs,
  HEARTBEAT_MS,
  install,
  sentLaterOf,
  sentOf,
  Subject,
} from '../roles/fixture.js';
import { converse } from './conversation.js';

const ABC = majorityConfiguration([A, B, C]);

/** Everything up to here is applied, in a snapshot, and gone from the log. */
function compact(subject: Subject, index: number): void {
  subject.local({ type: 'applied', index: logIndex(index) });
  dropLogTo(subject.core, logIndex(index));
}

function installed(index: number, lastTerm = 2) {
  return {
    type: 'snapshotInstalled',
    lastIncluded: { index: logIndex(index), term: term(lastTerm), timestampMs: 100 * index },
    configuration: foundedAs(ABC, firstLivesOf(ABC)),
  } as const;
}

/** A follower whose log, of entries of term 1, is committed and applied. */
function follower(entries: number): Subject {
  const subject = new Subject({ log: Array.from({ length: entries }, () => 1), term: 1 });
  subject.peer(append(entries, 1, [], { leaderCommit: entries }));
  subject.flush();
  return subject;
}

describe('§7: each server takes snapshots independently', () => {
  test('§7: of the entries that it has applied, whatever its leader does', () => {
    const subject = follower(3);
    compact(subject, 2);
    expect(subject.core.log).toMatchObject({ firstIndex: 3, lastIndex: 3 });
    expect(subject.core.role.name).toBe('follower');
  });

  test('§7: but never of what is not committed', () => {
    const subject = follower(3);
    subject.peer(append(3, 1, [1]));
    expect(() => compact(subject, 4)).toThrow(expect.objectContaining({ code: 'ERR_ASSERTION' }));
  });

  test('§7: index and term of the last entry included support the consistency check of the first entry behind it', () => {
    const subject = follower(3);
    compact(subject, 3);
    subject.peer(append(3, 1, [1]));
    expect(sentLaterOf(subject.flush())).toMatchObject([{ message: { success: true, matchIndex: 4 } }]);
  });

  test('§7: and a leader that has compacted its log still knows the term of that entry', () => {
    const leader = new Subject({ log: [1, 1] }).elect();
    leader.peer(leader.ack(B, 3));
    leader.flush();
    compact(leader, 2);
    leader.tick(HEARTBEAT_MS);
    expect(sentOf(leader.flush())).toContainEqual({
      to: C,
      message: expect.objectContaining({ type: 'appendEntries', prevLogIndex: 2, prevLogTerm: 1 }),
    });
  });

  test('§7: entries that a follower has compacted, and that come again, are the same as those that it had', () => {
    const subject = follower(3);
    compact(subject, 3);
    subject.peer(append(1, 1, [1, 1, 1], { leaderCommit: 4 }));
    expect(subject.core).toMatchObject({ log: { firstIndex: 4, lastIndex: 4 }, commitIndex: 4 });
    expect(sentLaterOf(subject.flush())).toMatchObject([{ message: { success: true, matchIndex: 4 } }]);
  });

  test('§7: a candidate whose whole log is in a snapshot is as up-to-date as before', () => {
    const subject = follower(3);
    compact(subject, 3);
    const asked = sentOf(subject.tick(10_000));
    expect(asked).toMatchObject([{ message: { lastLogIndex: 3, lastLogTerm: 1 } }, {}]);
  });
});

describe('§7: a leader that has discarded the next entry that a follower needs', () => {
  /** A leader of term 2, whose log begins behind 4, and a follower without any. */
  function apart(): { leader: Subject; lagging: Subject } {
    const leader = new Subject({ log: [1, 1, 1] }).elect();
    leader.peer(leader.ack(B, 4));
    leader.flush();
    compact(leader, 4);
    return { leader, lagging: new Subject({ self: C, term: 2 }) };
  }

  test('§7: sends it a snapshot, and goes on with the entries behind that, without a gap', () => {
    const { leader, lagging } = apart();
    leader.tick(HEARTBEAT_MS);
    converse([leader, lagging]);
    expect(leader.leader.peers.get(C)).toMatchObject({ state: 'snapshot', matchIndex: 0 });

    const { round } = leader.leader;
    const { session } = leader.leader.peers.get(C)!;
    lagging.peer({ ...install(4, { round }), session, from: leader.core.options.self });
    leader.local({ type: 'submit', content: blockOf(7) });
    lagging.local(installed(4));
    converse([leader, lagging]);

    expect(lagging.core.log).toMatchObject({ firstIndex: 5, lastIndex: 5, lastTerm: 2 });
    expect(leader.leader.peers.get(C)).toMatchObject({ state: 'replicate', matchIndex: 5 });
  });

  test('§7: does so in exceptional cases only: a follower that keeps up is sent entries', () => {
    const { leader } = apart();
    leader.local({ type: 'submit', content: blockOf(7) });
    const effects = leader.flush();
    expect(effects.filter(({ type }) => type === 'sendSnapshot')).toEqual([]);
    expect(sentOf(effects)).toMatchObject([{ to: B, message: { type: 'appendEntries', prevLogIndex: 4 } }]);
  });
});

describe('§7: a follower that receives a snapshot', () => {
  test.each([
    ['ends before what the snapshot has', [1, 1], 9],
    ['has another entry where the snapshot ends', [1, 1, 1], 2],
  ])('§7: discards its whole log where that %s, also what is not committed', (_, log, index) => {
    const subject = new Subject({ log, term: 3 });
    subject.peer(install(index));
    subject.local(installed(index));
    expect(subject.core.log).toMatchObject({ firstIndex: index + 1, lastIndex: index, lastTerm: 2 });
    subject.peer(append(index, 2, [3]));
    expect(subject.core).toMatchObject({ log: { lastIndex: index + 1 }, commitIndex: index });
  });

  test('§7: keeps the entries that follow a snapshot of a prefix of its log', () => {
    const subject = new Subject({ log: [1, 2, 2, 3], term: 3 });
    subject.peer(install(2));
    subject.flush();
    subject.local(installed(2));
    expect(subject.core.log).toMatchObject({ firstIndex: 3, lastIndex: 4, lastTerm: 3 });
    expect(subject.flush().filter(({ type }) => type === 'commit')).toEqual([]);
  });

  test('§7: has heard from its leader by that', () => {
    const subject = new Subject({ log: [1], term: 3 });
    subject.nowMs += 50;
    subject.peer(install(9, { from: C }));
    expect(subject.core).toMatchObject({ leader: C, leaderContactMs: subject.nowMs });
  });
});

/** A follower that is given a snapshot: what it fetches, what it says, and what storage is told of it. */

import { describe, expect, test } from 'vitest';
import { majorityConfiguration } from '../../../../../src/actors/raft/configuration.js';
import { EntryKind } from '../../../../../src/actors/raft/entry.js';
import { dropLogTo } from '../../../../../src/actors/raft/snapshots.js';
import { statusOf } from '../../../../../src/actors/raft/status.js';
import { logIndex, term, type LastIncluded } from '../../../../../src/ids.js';
import { contentOf } from '../content.js';
import { admissionContent } from './campaigning.js';
import {
  A,
  append,
  B,
  C,
  encode,
  foundedAs,
  install,
  lifeOf,
  MAX_MS,
  sentLaterOf,
  storesOf,
  Subject,
} from './fixture.js';

/** What the snapshot's footer says: by then, c was in its second life. */
const CONFIGURATION = foundedAs(majorityConfiguration([A, B, C]), [
  [A, lifeOf(A)],
  [B, lifeOf(B)],
  [C, lifeOf(C, 2)],
]);

function lastIncluded(index: number): LastIncluded {
  return { index: logIndex(index), term: term(2), timestampMs: 100 * index };
}

function installed(index: number) {
  return { type: 'snapshotInstalled', lastIncluded: lastIncluded(index), configuration: CONFIGURATION } as const;
}

function receiving(log: number[] = [1]): Subject {
  const subject = new Subject({ log, term: 3 });
  subject.peer(install(9));
  subject.flush();
  return subject;
}

describe('an offer of a snapshot', () => {
  test('is to be fetched each time it is made, and answered when it is installed, to the last time', () => {
    const subject = new Subject({ log: [1], term: 3 });
    const fetch = {
      type: 'fetchSnapshot',
      from: B,
      lastIncluded: lastIncluded(9),
      snapshotId: 'up to 9',
      snapshotBytes: 1_000,
    };
    expect(subject.peer(install(9))).toContainEqual(fetch);
    expect(subject.peer(install(9, { round: 4 }))).toEqual([fetch]);
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
    expect(subject.peer(install(12))).toMatchObject([{ type: 'fetchSnapshot', lastIncluded: { index: 12 } }]);
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

describe('storage', () => {
  test('is told to begin anew behind the snapshot before anything is appended there', () => {
    const subject = receiving([1, 1]);
    subject.local(installed(9));
    subject.peer(append(9, 2, [3]));
    expect(storesOf(subject.flush())).toMatchObject([
      { reset: lastIncluded(9), append: { firstIndex: 10, lastIndex: 10 } },
    ]);
    subject.peer(append(10, 3, [3]));
    expect(storesOf(subject.flush())).toMatchObject([{ reset: null, append: { firstIndex: 11, lastIndex: 11 } }]);
  });

  test('is told so once, however many requests the entries behind it take', () => {
    const subject = receiving([1, 1]);
    const large = contentOf(EntryKind.block, new Uint8Array(100_000));
    subject.local(installed(9));
    subject.peer({ ...append(9, 2), entries: encode(10, [[large, 3]]) });
    subject.peer({ ...append(10, 3), entries: encode(11, [[large, 3]]) });
    expect(storesOf(subject.flush())).toMatchObject([
      { reset: lastIncluded(9), append: { firstIndex: 10, lastIndex: 10 } },
      { reset: null, append: { firstIndex: 11, lastIndex: 11 } },
    ]);
  });

  test('is told nothing where it has what the snapshot covers', () => {
    const subject = new Subject({ log: [1, 2, 2, 3], term: 3 });
    subject.peer(install(2));
    subject.flush();
    subject.local(installed(2));
    expect(storesOf(subject.flush())).toMatchObject([{ reset: null, append: null }]);
  });

  test('that was not given yet what the snapshot covers begins anew with what follows', () => {
    const subject = new Subject({ term: 3 });
    subject.peer(append(0, 0, [1, 2, 2, 3]), install(2));
    subject.local(installed(2));
    expect(storesOf(subject.flush())).toMatchObject([
      { reset: lastIncluded(2), append: { firstIndex: 3, lastIndex: 4 } },
    ]);
  });
});

test('a start with a snapshot of a later term than was stored is in that term, has no vote in it, and stores that', () => {
  // It lost power between the snapshot's becoming durable and the term's: it cannot have voted in that term.
  const subject = new Subject({ log: [2], term: 1, votedFor: B });

  expect(subject.core).toMatchObject({ term: 2, votedFor: null });
  expect(storesOf(subject.flush()).map(({ hardState }) => hardState)).toEqual([{ term: 2, votedFor: null }]);
});

test('objects that were begun with a snapshot of a later term than was stored bring the node into that term', () => {
  const subject = new Subject({ log: [1], votedFor: B });

  const stores = [...subject.local(installed(9)), ...subject.flush()].filter((effect) => effect.type === 'store');

  expect(subject.core).toMatchObject({ term: 2, votedFor: null, role: { name: 'follower' } });
  expect(stores).toMatchObject([{ hardState: { term: 2, votedFor: null }, reset: lastIncluded(9) }]);
});

describe('what a snapshot says of members', () => {
  test('counts where it takes the place of the log', () => {
    const subject = receiving([1, 1]);
    subject.local(installed(9));
    expect(subject.core.configurations.current.admitted.get(C)).toBe(lifeOf(C, 2));
  });

  test('is what the log says, where the log holds it', () => {
    const retired = encode(1, [[admissionContent([[C, null]]), 2]]);
    const subject = new Subject({ term: 3 });
    subject.peer({ ...append(0, 0), entries: retired }, append(1, 2, [2, 3]), install(2));
    subject.local(installed(2));
    expect(subject.core.log.firstIndex).toBe(3);
    expect(subject.core.configurations.current.admitted.get(C)).toBeUndefined();
    // Cutting off what is behind leaves it as it is.
    subject.peer(append(2, 2, [3, 3]));
    expect(subject.core.configurations.at(logIndex(2))!.admitted.has(C)).toBe(false);
  });
});

describe('dropping', () => {
  test('drops what has been applied, and keeps what it admitted', () => {
    const subject = new Subject({ log: [1], term: 3 });
    subject.peer({
      ...append(1, 1),
      entries: encode(2, [[admissionContent([[C, null]]), 2]]),
      leaderCommit: logIndex(2),
    });
    subject.flush();
    subject.local({ type: 'applied', index: logIndex(2) });
    dropLogTo(subject.core, logIndex(2));
    expect(subject.core.log.firstIndex).toBe(3);
    expect(subject.core.configurations.at(logIndex(2))!.admitted.has(C)).toBe(false);
  });

  test('of what has not been applied cannot be', () => {
    const subject = new Subject({ log: [1, 1], term: 3 });
    expect(() => dropLogTo(subject.core, logIndex(1))).toThrow(expect.objectContaining({ code: 'ERR_ASSERTION' }));
  });
});

describe('while a snapshot is on its way, a node', () => {
  test('listens to heartbeats, and stays', () => {
    const subject = receiving();
    subject.nowMs += 50;
    subject.peer(append(0, 0));
    expect(subject.core).toMatchObject({ role: { name: 'receivingSnapshot' }, leaderContactMs: subject.nowMs });
  });

  test('knows what is committed once it has heard so, which an offer does not say', () => {
    const subject = receiving();

    expect(statusOf(subject.core)).toMatchObject({ hasQuorum: true, isCommitKnown: false });
    subject.peer(append(0, 0, [], { leaderCommit: 12 }));
    expect(statusOf(subject.core)).toMatchObject({ isCommitKnown: true, leaderCommitIndex: 12 });
  });

  test('goes on as before when the entries that it lacks come after all', () => {
    const subject = new Subject({ log: [1], term: 3 });
    subject.peer(install(3), append(1, 1, [2, 2], { leaderCommit: 2 }));
    expect(subject.core.role.name).toBe('receivingSnapshot');
    subject.peer(append(3, 2, [], { leaderCommit: 3 }));
    expect(subject.core).toMatchObject({ role: { name: 'follower' }, commitIndex: 3 });
    subject.local(installed(3));
    expect(subject.core).toMatchObject({ log: { firstIndex: 1, lastIndex: 3 }, commitIndex: 3 });
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
